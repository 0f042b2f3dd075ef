// An evening on the Studio, from boot to eject. Nothing here has met a Mac.

import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { presentServices } from '../../contract/services.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { createLaunchdAutostart } from '../autostart/launchd-autostart.ts'
import { startTestChild, type TestChild } from '../platform/test-support/child.ts'
import { standInProgram } from '../supervise/test-support/stand-in.ts'
import { bootStudio, type Studio, says, start, stop, sysctl, until, vmStat } from './test-support/studio.ts'

const GiB = 2 ** 30
const pageBytes = 16_384
let endings: Studio['endings'] = []

afterEach(async () => {
  for (const end of endings.toReversed()) await end()
  endings = []
})

const isReady = ({ overall }: Snapshot) => overall === 'ready'
const pidOf = ({ services }: Snapshot, id: 'llamaServer' | 'proxy'): number => services[id].pid ?? Number.NaN
const diskCommands = ({ mac }: Studio) =>
  mac.journal().filter((line) => /^(?:hdiutil (?!info)|diskutil )/.test(line))

/** launchd has the core come back after the reboot. */
const bootService = async ({ mac, home }: Studio) => {
  const stateDir = join(home, 'state')
  const autostart = createLaunchdAutostart({
    run: mac.run,
    uid: 501,
    userName: 'ana',
    homeDir: home,
    stateDir,
    serversLive: async () => false,
    pollMs: 1,
  })
  const spec = {
    argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
    env: {},
    logPath: join(stateDir, 'core.log'),
  } as const
  expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: false })
  expect(await autostart.read()).toMatchObject({ installed: true, loaded: true, running: true })
  return autostart
}

/** The seed's start script left its engine in a `screen`: here its session is this test, the engine's parent. */
const startOldEngine = async ({ mac, home, enginePort, endings: ends }: Studio): Promise<TestChild> => {
  const program = join(home, 'old', 'llama-server')
  mkdirSync(join(home, 'old'))
  symlinkSync(standInProgram, program)
  const child = await startTestChild(process.execPath, [
    program,
    '--port',
    String(enginePort),
    '--ready-line',
  ])
  ends.push(() => child.end())
  mac.change((state) => {
    state.screens = [
      { pid: process.pid, name: 'ai-engine', status: 'Detached' },
      { pid: 999_999, name: 'proxy', status: 'Dead ???' },
    ]
  })
  return child
}

const replaceOldEngine = async (studio: Studio): Promise<Snapshot> => {
  const { mac, core, profilePath } = studio
  const old = await startOldEngine(studio)
  await core.dispatch({ ...start, profile: profilePath })
  const { services } = await until(core, (snapshot) => snapshot.services.llamaServer.phase === 'failed')
  expect(services.llamaServer.foreign?.pid).toBe(old.pid)
  expect(services.llamaServer.reason).toContain(`the screen session ${process.pid}.ai-engine`)
  expect(services.llamaServer.reason).toContain('nexus up --replace-foreign')
  expect(await core.dispatch({ ...start, profile: profilePath, replaceForeign: true })).toEqual({
    accepted: true,
  })
  const ready = await until(core, isReady)
  expect(() => process.kill(old.pid, 0)).toThrow('ESRCH')
  // A session whose program has ended is gone.
  mac.change((state) => {
    state.screens = []
  })
  return ready
}

const checkForge = async (studio: Studio): Promise<void> => {
  const { mac, core, mountPoint } = studio
  expect(diskCommands(studio)).toEqual([
    'hdiutil attach -nobrowse -nomount ram://134217728',
    'diskutil erasevolume HFS+ OptaBuilds /dev/disk4',
  ])
  expect(await mac.run(['mdutil', '-s', mountPoint])).toMatchObject({
    stdout: expect.stringContaining('Indexing disabled'),
  })
  expect(existsSync(join(mountPoint, '.fseventsd/no_log'))).toBe(true)
  expect(statSync(mountPoint).mode & 0o7777).toBe(0o1777)
  // What cargo configs include, on shelves for every developer.
  expect(existsSync(join(mountPoint, '.nexus/cargo.toml'))).toBe(true)
  const { ramDisk } = await until(core, (snapshot) => snapshot.ramDisk?.heldBytes !== undefined)
  expect(ramDisk).toMatchObject({ mounted: true, kind: 'hfs+', heldBytes: 23_000_000 * 1024 })
}

const checkMemory = async ({ mac, core, platform }: Studio): Promise<void> => {
  expect(await platform.readGpuUse()).toEqual({ busyPercent: 61, usedBytes: 81_000_000_000 })
  const calm = await until(core, ({ memory }) => memory?.swapOutBytesPerSecond === 0)
  expect(calm.memory).toMatchObject({
    totalBytes: 256 * GiB,
    usedBytes: (1_000_000 + 900_000 + 10_000 + 300_000 + 2000 - 1000 - 500_000) * pageBytes,
    wiredBytes: 300_000 * pageBytes,
    compressedBytes: 2000 * pageBytes,
    swapUsedBytes: 0,
    pressure: 'normal',
    gpuLimitBytes: 200_000 * 2 ** 20,
  })
  mac.change((state) => {
    state.replies['vm_stat'] = says(vmStat(6_000_000, 5000))
    state.replies['sysctl'] = says(sysctl(2, '3000.25M'))
  })
  const strained = await until(core, ({ memory }) => memory?.pressure === 'warn')
  expect(strained.memory).toMatchObject({
    wiredBytes: 6_000_000 * pageBytes,
    swapUsedBytes: 3000.25 * 2 ** 20,
  })
  mac.change((state) => {
    state.replies['vm_stat'] = says(vmStat(5_000_000, 5000))
    state.replies['sysctl'] = says(sysctl(1, '1,568M'))
  })
  // A swap value in another notation leaves the rest as it is.
  const odd = await until(core, ({ memory }) => memory?.pressure === 'normal')
  expect(odd.memory).toMatchObject({ swapUsedBytes: null, wiredBytes: 5_000_000 * pageBytes })
}

const unmountAndRemount = async (studio: Studio): Promise<void> => {
  const { mac, core, mountPoint } = studio
  await mac.run(['diskutil', 'unmount', '/dev/disk4'])
  const lost = await until(core, ({ services }) => services.ramDisk.phase === 'failed')
  expect(lost.services.ramDisk.reason).toContain(`${mountPoint} was unmounted by something else`)
  expect(lost.overall).toBe('degraded')
  await core.dispatch({ ...start, profile: null, only: 'ramDisk' })
  await until(core, isReady)
  // The disk without a volume is given back before another is made.
  expect(diskCommands(studio).slice(-3)).toEqual([
    'hdiutil detach /dev/disk4',
    'hdiutil attach -nobrowse -nomount ram://134217728',
    'diskutil erasevolume HFS+ OptaBuilds /dev/disk5',
  ])
  expect(mac.read().images.map(({ device }) => device)).toEqual(['/dev/disk5'])
}

const ejectAndStop = async (studio: Studio, serving: Snapshot): Promise<void> => {
  const { mac, core, mountPoint } = studio
  mac.change((state) => {
    state.holders = [{ pid: 811, command: 'cargo', user: 'bob' }]
  })
  expect(await core.dispatch({ ...stop, eject: true })).toMatchObject({
    accepted: false,
    reason: expect.stringContaining('in use by cargo (pid 811, user bob)'),
  })
  expect((await core.readSnapshot()).overall).toBe('ready')
  mac.change((state) => {
    state.holders = []
  })
  expect(await core.dispatch({ ...stop, eject: true })).toEqual({ accepted: true })
  await core.stoppedByCommand
  expect(presentServices(core.snapshot()).map(({ state }) => state.phase)).toEqual([
    'stopped',
    'stopped',
    'stopped',
  ])
  expect(diskCommands(studio).at(-1)).toBe('hdiutil detach /dev/disk5')
  expect(mac.read().images).toEqual([])
  expect(existsSync(mountPoint)).toBe(false)
  for (const id of ['llamaServer', 'proxy'] as const)
    expect(() => process.kill(pidOf(serving, id), 0)).toThrow('ESRCH')
}

// Processes that the test starts are shown as macOS would from /proc.
describe.skipIf(process.platform !== 'linux')(
  'an evening on the Studio (skipped where there is no /proc)',
  () => {
    it('boots, replaces the old engine, serves, loses the RAM disk and gets it back, and ends with nothing left', async () => {
      const studio = await bootStudio(endings)
      const autostart = await bootService(studio)
      const serving = await replaceOldEngine(studio)
      await checkForge(studio)
      for (const id of ['llamaServer', 'proxy'] as const)
        await expect.poll(() => studio.mac.journal()).toContain(`caffeinate -s -w ${pidOf(serving, id)}`)
      await checkMemory(studio)
      await unmountAndRemount(studio)
      await ejectAndStop(studio, serving)
      expect(await autostart.uninstall()).toEqual({ kind: 'removed', notes: [] })
      expect(studio.mac.read().jobs).toEqual({})
      // Nexus never asks for root: where root is needed, it shows the command.
      expect(studio.mac.journal().filter((line) => /\bsudo\b/.test(line))).toEqual([])
    }, 90_000)
  },
)

// Install, read, remove on an imitated Mac whose launchctl keeps state.
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestMac, type TestMac } from '../platform/test-support/mac.ts'
import { logOut, madeUpJob } from '../platform/test-support/mac-launchd.ts'
import type { AutostartSpec } from './autostart.ts'
import { createLaunchdAutostart } from './launchd-autostart.ts'

/** Waits for a signal, like `nexus serve --wait`. */
const standBy = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)'

/** A zombie still counts: the shell reaps a job's process a moment after its end. */
const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe.each([
  ['in this process', false],
  ['through executables on PATH', true],
])('the launchd agent, %s', (_, executables) => {
  let mac: TestMac
  let spec: AutostartSpec
  let unitPath = ''
  let live = false
  const create = () => {
    const stateDir = join(mac.folder, 'state')
    mkdirSync(stateDir, { recursive: true })
    return createLaunchdAutostart({
      run: mac.run,
      uid: 501,
      userName: 'ana',
      homeDir: mac.folder,
      stateDir,
      serversLive: async () => live,
      pollMs: 1,
      patience: { runAtLoadMs: 100, startMs: 5_000, settleMs: 100, drainMs: 5_000, refusedMs: 500 },
    })
  }
  const readPid = async (): Promise<number> => (await create().read()).pid ?? 0
  const launchctlCalls = (verb: string) =>
    mac.journal().filter((line) => line.startsWith(`launchctl ${verb}`))

  beforeEach(() => {
    mac = createTestMac({ executables })
    unitPath = join(mac.folder, 'Library/LaunchAgents/ai.opta.nexus.plist')
    live = false
    spec = {
      argv: [process.execPath, '-e', standBy],
      env: { NEXUS_HOME: '/Users/ana/<state>' },
      logPath: join(mac.folder, 'core.log'),
    }
  })
  afterEach(() => mac.remove())

  it('is installed once, found running, and removed', async () => {
    const autostart = create()
    expect(await autostart.read()).toMatchObject({ installed: false, loaded: false, running: false })
    expect(await autostart.uninstall()).toEqual({ kind: 'not-installed' })

    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: false, unitPath })
    expect(statSync(unitPath).mode & 0o777).toBe(0o644)
    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: true })
    expect(launchctlCalls('bootstrap')).toHaveLength(1)
    expect(await autostart.read()).toEqual({
      installed: true,
      unitPath,
      loaded: true,
      running: true,
      pid: expect.any(Number),
      lastExit: null,
      reason: null,
    })

    expect(await autostart.uninstall()).toEqual({ kind: 'removed', notes: [] })
    expect(mac.read().jobs).toEqual({})
    expect(await autostart.read()).toMatchObject({ installed: false, loaded: false })
  })

  it('replaces a different installation, and waits until the old one is gone', async () => {
    const autostart = create()
    await autostart.install(spec)
    // Its quarantine, if it got one, stays with the old file.
    const old = join(mac.folder, 'old.plist')
    linkSync(unitPath, old)
    const moved: AutostartSpec = { ...spec, argv: [...spec.argv, '/elsewhere'] }
    expect(await autostart.install(moved)).toMatchObject({ kind: 'installed', already: false })
    expect(readFileSync(unitPath, 'utf8')).toContain('/elsewhere')
    expect(readFileSync(old, 'utf8')).not.toContain('/elsewhere')
    expect(launchctlCalls('bootout')).toEqual(['launchctl bootout gui/501/ai.opta.nexus'])
    expect(Object.keys(mac.read().jobs)).toEqual(['gui/501/ai.opta.nexus'])
  })

  it('is written for the next login when no user is logged in, with the steps for a daemon', async () => {
    mac.change(logOut)
    const outcome = await create().install(spec)
    if (outcome.kind !== 'written') throw new Error(outcome.kind)
    expect(outcome.reason).toContain('no user is logged in')
    const daemonPlist = join(mac.folder, 'state/ai.opta.nexus.daemon.plist')
    expect(outcome.notes).toContain(
      `sudo install -m 0644 -o root -g wheel ${daemonPlist} /Library/LaunchDaemons/ai.opta.nexus.plist`,
    )
    expect(readFileSync(daemonPlist, 'utf8')).toContain('<string>ana</string>')
    expect(readFileSync(unitPath, 'utf8')).toContain('<string>ai.opta.nexus</string>')
    expect(await create().read()).toMatchObject({ installed: true, loaded: false, running: false })
  })

  it('leaves a system daemon to root', async () => {
    const path = '/Library/LaunchDaemons/ai.opta.nexus.plist'
    mac.change((state) => {
      state.jobs['system/ai.opta.nexus'] = madeUpJob(path, 77)
    })
    expect(await create().install(spec)).toMatchObject({ kind: 'installed', already: true, unitPath: path })
    expect(await create().read()).toMatchObject({ installed: true, unitPath: path, pid: 77 })
    expect(await create().uninstall()).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('sudo launchctl bootout system/ai.opta.nexus'),
    })
    expect(launchctlCalls('bootout')).toEqual([])
  })

  it('is also written for the next login when launchctl exits with 125 instead of 112', async () => {
    mac.change((state) => {
      logOut(state)
      state.failing['launchctl print'] = {
        exitCode: 125,
        stdout: '',
        stderr: 'Domain does not support specified action\n',
      }
    })
    expect(await create().install(spec)).toMatchObject({
      kind: 'written',
      notes: expect.arrayContaining(['nexus service uninstall']),
    })
  })

  it('is removed for the daemon, as the last step of the recipe', async () => {
    await create().install(spec)
    const agent = await readPid()
    mac.change((state) => {
      state.jobs['system/ai.opta.nexus'] = madeUpJob('/Library/LaunchDaemons/ai.opta.nexus.plist', 77)
    })
    expect(await create().uninstall()).toEqual({
      kind: 'removed',
      notes: [expect.stringContaining('The system daemon')],
    })
    await expect.poll(() => isGone(agent)).toBe(true)
    expect(await create().read()).toMatchObject({ installed: true, pid: 77 })
  })

  it('unloads nothing while servers are running that could end with it', async () => {
    await create().install(spec)
    const pid = await readPid()
    live = true
    const moved: AutostartSpec = { ...spec, argv: [...spec.argv, '/elsewhere'] }
    expect(await create().install(moved)).toMatchObject({
      kind: 'written',
      reason: expect.stringContaining('nexus down'),
    })
    expect(readFileSync(unitPath, 'utf8')).toContain('/elsewhere')
    expect(await readPid()).toBe(pid)
    expect(await create().uninstall()).toEqual({ kind: 'removed', notes: [] })
    await expect.poll(() => isGone(pid)).toBe(true)
    expect(launchctlCalls('bootout')).toEqual([])
    // Restarted in place: unloading is still not allowed.
    expect(await create().install(spec)).toMatchObject({ kind: 'installed' })
    expect(launchctlCalls('bootout')).toEqual([])
  })

  it('fails with the exit status of a job that exits right away', async () => {
    const broken: AutostartSpec = { ...spec, argv: ['/bin/sh', '-c', 'exit 78'] }
    expect(await create().install(broken)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('exit status 78'),
    })
    expect(await create().read()).toMatchObject({ running: false, lastExit: 'exit status 78' })
  })

  it('explains error 5', async () => {
    mac.change((state) => {
      state.failing['launchctl bootstrap'] = {
        exitCode: 5,
        stdout: '',
        stderr:
          'Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n',
      }
    })
    expect(await create().install(spec)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/5: Input\/output error.*already loaded/),
    })
  })

  it('reports other launchctl output, and claims nothing', async () => {
    mac.change((state) => {
      state.failing['launchctl print'] = {
        exitCode: 64,
        stdout: '',
        stderr: 'Unrecognized target specifier.\n',
      }
    })
    expect(await create().install(spec)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('Unrecognized'),
    })
    expect(await create().read()).toMatchObject({ loaded: null, running: null })
    mac.change((state) => {
      state.failing['launchctl print'] = { exitCode: 0, stdout: 'another format\n', stderr: '' }
    })
    expect(await create().read()).toMatchObject({
      running: null,
      reason: expect.stringContaining('could not parse'),
    })
  })
})

it('recognises its rewritten plist', async () => {
  const mac = createTestMac({ executables: false })
  const path = join(mac.folder, 'Library/LaunchAgents/ai.opta.nexus.plist')
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, 'not ours')
  const spec: AutostartSpec = {
    argv: [process.execPath, '-e', standBy],
    env: {},
    logPath: join(mac.folder, 'core.log'),
  }
  const serversLive = async () => false
  const options = {
    run: mac.run,
    uid: 501,
    userName: 'ana',
    homeDir: mac.folder,
    stateDir: mac.folder,
    serversLive,
  }
  expect(await createLaunchdAutostart(options).install(spec)).toMatchObject({ already: false })
  expect(readFileSync(path, 'utf8')).toContain('ai.opta.nexus')
  mac.remove()
})

// Jobs on a pretended Mac whose launchctl really starts and ends their processes.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestMac, type TestMac } from '../test-support/mac.ts'
import { logIn, logOut } from '../test-support/mac-launchd.ts'
import { createLaunchd, type Launchd, type StartRequest } from './launchd.ts'
import { type LaunchdJobSpec, renderLaunchdPlist } from './plist.ts'

const label = 'ai.opta.nexus.test'

/** A job that leaves a child in a session of its own behind, as a core does with its servers, and tells its pid. */
const core = `
const { spawn } = require('node:child_process')
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
require('node:fs').writeFileSync(process.argv[1], String(child.pid))
process.on('SIGTERM', () => process.exit(0))
setInterval(() => {}, 1000)`

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

// What a job started is found through /proc.
describe.skipIf(process.platform !== 'linux')('launchd (imitated, on real processes)', () => {
  let mac: TestMac
  let launchd: Launchd
  let spec: LaunchdJobSpec
  let childPath: string
  let plistPath: string

  beforeEach(() => {
    mac = createTestMac({ executables: false })
    childPath = join(mac.folder, 'child')
    plistPath = join(mac.folder, 'a job.plist')
    launchd = createLaunchd({
      run: mac.run,
      uid: 501,
      pollMs: 5,
      patience: { runAtLoadMs: 100, startMs: 2_000, settleMs: 50, drainMs: 3_000, refusedMs: 3_000 },
    })
    spec = {
      label,
      argv: [process.execPath, '-e', core.trim().replaceAll('\n', '; '), childPath],
      env: { NEXUS_HOME: '/srv/state & more' },
      logPath: join(mac.folder, 'job.log'),
      lifetime: 'once',
      userName: null,
    }
  })
  afterEach(() => mac.remove())

  const request = (changed: Partial<LaunchdJobSpec> = {}, mayUnload = true): StartRequest => {
    const wanted = { ...spec, ...changed }
    writeFileSync(plistPath, renderLaunchdPlist(wanted), { mode: 0o600 })
    return { spec: wanted, plistPath, mayUnload }
  }
  const calls = (verb: string) => mac.journal().filter((line) => line.startsWith(`launchctl ${verb}`))
  const runningPid = async (): Promise<number> => {
    const started = await launchd.start(request())
    if (started.kind !== 'runs') throw new Error(JSON.stringify(started))
    return started.pid
  }
  const childPid = async (): Promise<number> => {
    await expect.poll(() => Number(readOr(childPath))).toBeGreaterThan(0)
    return Number(readOr(childPath))
  }
  const readOr = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return '0'
    }
  }

  it('starts a job with a user at the screen, and finds it running the next time', async () => {
    const started = await launchd.start(request())
    expect(started).toMatchObject({ kind: 'runs', domain: 'gui/501', already: false })
    if (started.kind !== 'runs') return
    expect(isAlive(started.pid)).toBe(true)
    expect(await launchd.start(request())).toEqual({ ...started, already: true })
    expect(calls('bootstrap')).toHaveLength(1)
    const search = await launchd.find(label)
    expect(search).toMatchObject({ places: [{ domain: 'gui/501', job: { pid: started.pid, asid: 100020 } }] })
  })

  it('starts it in the user domain without one, which outlives a login', async () => {
    mac.change(logOut)
    expect(await launchd.start(request())).toMatchObject({ kind: 'runs', domain: 'user/501' })
    mac.change(logIn)
    // Never loaded twice under one label.
    expect(await launchd.start(request())).toMatchObject({ domain: 'user/501', already: true })
    expect(Object.keys(mac.read().jobs)).toEqual([`user/501/${label}`])
  })

  it('leaves the job’s children running when it ends or is killed, and restarts it with a new pid', async () => {
    const first = await runningPid()
    const server = await childPid()
    process.kill(first, 'SIGKILL')
    await expect.poll(() => isAlive(first)).toBe(false)
    expect(isAlive(server)).toBe(true)
    const [place] = await places()
    expect(place?.job?.lastExit).toBe('signal Killed: 9')
    const second = await launchd.start(request({}, false))
    expect(second).toMatchObject({ kind: 'runs', already: false })
    expect(second).not.toMatchObject({ pid: first })
    expect(isAlive(server)).toBe(true)
    expect(calls('bootout')).toEqual([])
  })
  const places = async () => {
    const search = await launchd.find(label)
    return search.kind === 'found' ? search.places : []
  }

  it('ends a process and keeps its job', async () => {
    const pid = await runningPid()
    const server = await childPid()
    expect(await launchd.end('gui/501', label)).toBeNull()
    expect(isAlive(pid)).toBe(false)
    expect(isAlive(server)).toBe(true)
    expect(await places()).toMatchObject([{ job: { pid: null, lastExit: 'exit status 0' } }])
  })

  it('asks for a process where launchd puts its spawn off', async () => {
    mac.change(({ launchd: state }) => {
      state.putsOffSpawns = true
    })
    const patient = createLaunchd({
      run: mac.run,
      uid: 501,
      pollMs: 5,
      patience: { runAtLoadMs: 100, startMs: 400, settleMs: 0, drainMs: 50, refusedMs: 50 },
    })
    expect(await patient.start(request())).toMatchObject({ kind: 'runs', already: false })
    expect(calls('kickstart')).toEqual([`launchctl kickstart gui/501/${label}`])
  })

  it('says why when launchd does not start it at all', async () => {
    mac.change((state) => {
      state.launchd.putsOffSpawns = true
      state.failing['launchctl kickstart'] = {
        exitCode: 3,
        stdout: '',
        stderr: 'Could not kickstart service: 3: No such process\n',
      }
    })
    const patient = createLaunchd({
      run: mac.run,
      uid: 501,
      pollMs: 5,
      patience: { runAtLoadMs: 20, startMs: 60, settleMs: 0, drainMs: 50, refusedMs: 50 },
    })
    expect(await patient.start(request())).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/did not start it; launchctl kickstart: .*no such job/),
    })
  })

  it('says how a job ended that ends at once', async () => {
    const argv = ['/bin/sh', '-c', 'exit 7'] as const
    expect(await launchd.start(request({ argv }))).toEqual({
      kind: 'ended',
      domain: 'gui/501',
      lastExit: 'exit status 7',
    })
  })

  it('tries the next domain where one does not take this kind of session', async () => {
    const launchctl = mac.run
    const refusing = createLaunchd({
      run: async (argv, options) =>
        argv.join(' ').startsWith('launchctl bootstrap gui/501')
          ? { kind: 'exited', exitCode: 134, stdout: '', stderr: 'Bootstrap failed: 134\n' }
          : launchctl(argv, options),
      uid: 501,
      pollMs: 5,
    })
    expect(await refusing.start(request())).toMatchObject({ kind: 'runs', domain: 'user/501' })
  })

  it('switches a label on that was switched off', async () => {
    mac.change(({ launchd: state }) => {
      state.disabled.push(`gui/501/${label}`)
    })
    expect(await launchd.start(request())).toMatchObject({ kind: 'runs' })
  })

  it('waits until the label of an unloaded job is free again', async () => {
    const first = await runningPid()
    mac.change(({ launchd: state }) => {
      state.drainMs = 300
    })
    await mac.run(['launchctl', 'bootout', `gui/501/${label}`])
    expect(isAlive(first)).toBe(false)
    expect(await places()).toHaveLength(1)
    expect(await launchd.start(request())).toMatchObject({ kind: 'runs', already: false })
    expect(calls('bootstrap')).toHaveLength(2)
  })

  it('reloads a job whose command line has changed, but not while that could end servers', async () => {
    const first = await runningPid()
    const server = await childPid()
    process.kill(first, 'SIGTERM')
    await expect.poll(() => isAlive(first)).toBe(false)
    mac.change(({ launchd: state }) => {
      state.bootoutTakesAll = true
    })
    const moved = { env: { NEXUS_HOME: '/elsewhere' } }
    expect(await launchd.start(request(moved, false))).toMatchObject({ kind: 'runs' })
    expect(calls('bootout')).toEqual([])
    expect(isAlive(server)).toBe(true)
    expect(await launchd.end('gui/501', label)).toBeNull()
    expect(await launchd.start(request(moved, true))).toMatchObject({ kind: 'runs' })
    expect(calls('bootout')).toEqual([`launchctl bootout gui/501/${label}`])
    expect((await places())[0]?.job?.env.get('NEXUS_HOME')).toBe('/elsewhere')
    expect(isAlive(server)).toBe(false)
  })

  it('is refused a plist that others may change', async () => {
    const given = request()
    writeFileSync(plistPath, renderLaunchdPlist(spec), { mode: 0o600 })
    chmodSync(plistPath, 0o666)
    expect(await launchd.start(given)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('ownership'),
    })
  })

  it('finds a label in every domain, and says so when it could not look', async () => {
    await runningPid()
    await mac.run(['launchctl', 'bootstrap', 'user/501', plistPath])
    expect((await places()).map(({ domain }) => domain)).toEqual(['gui/501', 'user/501'])
    mac.change((state) => {
      state.failing['launchctl print'] = {
        exitCode: 64,
        stdout: '',
        stderr: 'Unrecognized target specifier.\n',
      }
    })
    expect(await launchd.find(label)).toEqual({
      kind: 'unknown',
      reason: expect.stringContaining('Unrecognized'),
    })
    expect(await launchd.start(request())).toMatchObject({ kind: 'failed' })
  })

  it('knows the session of a domain, another one after each login, and none while no user is logged in', async () => {
    expect(await launchd.readSession('gui/501')).toBe(100020)
    expect(await launchd.readSession('user/501')).toBe(100008)
    mac.change(logOut)
    expect(await launchd.readSession('gui/501')).toBe('gone')
    mac.change(logIn)
    expect(await launchd.readSession('gui/501')).toBe(100023)
    mac.change((state) => {
      state.failing['launchctl print'] = { exitCode: 1, stdout: '', stderr: 'Not privileged.\n' }
    })
    expect(await launchd.readSession('gui/501')).toBeNull()
  })
})

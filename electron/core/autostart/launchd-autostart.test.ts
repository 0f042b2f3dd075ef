// Install, look, remove on a pretended Mac whose launchctl keeps state.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestMac, type TestMac } from '../platform/test-mac.ts'
import type { AutostartSpec } from './autostart.ts'
import { createLaunchdAutostart } from './launchd-autostart.ts'
import { renderLaunchdPlist } from './launchd-plist.ts'

const spec: AutostartSpec = {
  argv: ['/Users/ana/opta & co/scripts/nexus', 'serve'],
  env: { NEXUS_HOME: '/Users/ana/<state>' },
  logPath: '/Users/ana/<state>/logs/core.log',
}

describe('renderLaunchdPlist', () => {
  it('names program, environment and logs, escaped, and restarts only after a failure', () => {
    const plist = renderLaunchdPlist(spec, null)
    const flat = plist.replace(/\s*\n\s*/g, '')
    expect(flat).toContain('<key>Label</key><string>ai.opta.nexus</string>')
    expect(flat).toContain(
      '<key>ProgramArguments</key><array><string>/Users/ana/opta &amp; co/scripts/nexus</string><string>serve</string></array>',
    )
    expect(flat).toContain('<key>NEXUS_HOME</key><string>/Users/ana/&lt;state&gt;</string>')
    expect(flat).toContain('<key>RunAtLoad</key><true/>')
    expect(flat).toContain('<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>')
    expect(flat).toContain('<key>AbandonProcessGroup</key><true/>')
    expect(flat).toContain(
      '<key>StandardErrorPath</key><string>/Users/ana/&lt;state&gt;/logs/core.log</string>',
    )
    expect(flat).not.toContain('UserName')
  })

  it('says whose it is as a daemon, and names no environment when there is none', () => {
    const flat = renderLaunchdPlist({ ...spec, env: {} }, 'ana').replace(/\s*\n\s*/g, '')
    expect(flat).toContain('<key>UserName</key><string>ana</string>')
    expect(flat).not.toContain('EnvironmentVariables')
  })
})

describe.each([
  ['in this process', false],
  ['through executables on PATH', true],
])('the launchd agent, %s', (_, executables) => {
  let mac: TestMac
  let unitPath = ''
  const create = () => {
    const stateDir = join(mac.folder, 'state')
    mkdirSync(stateDir, { recursive: true })
    return createLaunchdAutostart({
      run: mac.run,
      uid: 501,
      userName: 'ana',
      homeDir: mac.folder,
      stateDir,
      pollMs: 1,
    })
  }
  const launchctlCalls = (verb: string) =>
    mac.journal().filter((line) => line.startsWith(`launchctl ${verb}`))

  beforeEach(() => {
    mac = createTestMac({ executables })
    unitPath = join(mac.folder, 'Library/LaunchAgents/ai.opta.nexus.plist')
  })
  afterEach(() => mac.remove())

  it('is installed once, found running, and removed', async () => {
    const autostart = create()
    expect(await autostart.read()).toMatchObject({ installed: false, loaded: false, running: false })
    expect(await autostart.uninstall()).toEqual({ kind: 'not-installed' })

    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: false, unitPath })
    expect(statSync(unitPath).mode & 0o777).toBe(0o644)
    expect(readFileSync(unitPath, 'utf8')).toBe(renderLaunchdPlist(spec, null))
    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: true })
    expect(launchctlCalls('bootstrap')).toHaveLength(1)
    expect(await autostart.read()).toEqual({
      installed: true,
      unitPath,
      loaded: true,
      running: true,
      pid: 4711,
      lastExit: null,
      reason: null,
    })

    expect(await autostart.uninstall()).toEqual({ kind: 'removed' })
    expect(mac.read().jobs).toEqual({})
    expect(await autostart.read()).toMatchObject({ installed: false, loaded: false })
  })

  it('replaces an installation that differs, and waits until the old one is gone', async () => {
    const autostart = create()
    await autostart.install(spec)
    const moved = { ...spec, argv: ['/elsewhere/nexus', 'serve'] } as const
    expect(await autostart.install(moved)).toMatchObject({ kind: 'installed', already: false })
    expect(readFileSync(unitPath, 'utf8')).toContain('/elsewhere/nexus')
    expect(launchctlCalls('bootout')).toEqual(['launchctl bootout gui/501/ai.opta.nexus'])
    expect(Object.keys(mac.read().jobs)).toEqual(['gui/501/ai.opta.nexus'])
  })

  it('is written for the next login when nobody is logged in, with what a daemon needs', async () => {
    mac.change((state) => {
      state.guiSession = false
    })
    const outcome = await create().install(spec)
    if (outcome.kind !== 'written') throw new Error(outcome.kind)
    expect(outcome.reason).toContain('nobody is logged in')
    const daemonPlist = join(mac.folder, 'state/ai.opta.nexus.daemon.plist')
    expect(outcome.notes).toContain(
      `sudo install -m 0644 -o root -g wheel ${daemonPlist} /Library/LaunchDaemons/ai.opta.nexus.plist`,
    )
    expect(readFileSync(daemonPlist, 'utf8')).toContain('<string>ana</string>')
    expect(readFileSync(unitPath, 'utf8')).toBe(renderLaunchdPlist(spec, null))
    expect(await create().read()).toMatchObject({ installed: true, loaded: false, running: false })
  })

  it('leaves a daemon of the machine to root', async () => {
    const path = '/Library/LaunchDaemons/ai.opta.nexus.plist'
    mac.change((state) => {
      state.jobs['system/ai.opta.nexus'] = { path, pid: 77, leavesAfterPrints: null }
    })
    expect(await create().install(spec)).toMatchObject({ kind: 'installed', already: true, unitPath: path })
    expect(await create().read()).toMatchObject({ installed: true, unitPath: path, pid: 77 })
    expect(await create().uninstall()).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('sudo launchctl bootout system/ai.opta.nexus'),
    })
    expect(launchctlCalls('bootout')).toEqual([])
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
      reason: expect.stringMatching(/5: Input\/output error.*loaded already/),
    })
  })

  it('says what launchctl said when it is something else, and claims nothing', async () => {
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
      reason: expect.stringContaining('not understood'),
    })
  })
})

it('finds its plist again although somebody else wrote it', async () => {
  const mac = createTestMac({ executables: false })
  const path = join(mac.folder, 'Library/LaunchAgents/ai.opta.nexus.plist')
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, 'not ours')
  const options = { run: mac.run, uid: 501, userName: 'ana', homeDir: mac.folder, stateDir: mac.folder }
  expect(await createLaunchdAutostart(options).install(spec)).toMatchObject({ already: false })
  expect(readFileSync(path, 'utf8')).toContain('ai.opta.nexus')
  mac.remove()
})

// The user unit: its text, and install, read, remove against a systemctl that keeps state.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandResult, RunCommand } from '../platform/run-command.ts'
import type { AutostartSpec } from './autostart.ts'
import { createSystemdAutostart, renderSystemdUnit } from './systemd-autostart.ts'

const spec: AutostartSpec = {
  argv: ['/home/ana/a "b" $c 100%/nexus', 'serve'],
  env: { NEXUS_HOME: '/home/ana/my state' },
  logPath: '/unused',
}

it('quotes for systemd, spares children, and restarts only after a failure', () => {
  const lines = renderSystemdUnit(spec).split('\n')
  expect(lines).toContain('ExecStart="/home/ana/a \\"b\\" $$c 100%%/nexus" "serve"')
  expect(lines).toContain('Environment="NEXUS_HOME=/home/ana/my state"')
  expect(lines).toContain('KillMode=process')
  expect(lines).toContain('Restart=on-failure')
  expect(lines).toContain('WantedBy=default.target')
})

const exited = (exitCode: number, stdout = '', stderr = ''): CommandResult => ({
  kind: 'exited',
  exitCode,
  stdout,
  stderr,
})

/** Made up, in the documented format of `systemctl show`. */
const createSystemctl = () => {
  const state = { works: true, active: false, enabled: false, calls: [] as string[] }
  const run: RunCommand = async ([command, variable, program, user, verb = '']) => {
    if (
      command !== 'env' ||
      variable !== 'XDG_RUNTIME_DIR=/run/user/7' ||
      program !== 'systemctl' ||
      user !== '--user'
    )
      throw new Error(`unexpected: ${[command, variable, program, user].join(' ')}`)
    state.calls.push(verb)
    if (!state.works) return exited(1, '', 'Failed to connect to bus: No medium found\n')
    if (verb === 'enable') state.enabled = true
    if (verb === 'restart') state.active = true
    if (verb === 'disable') Object.assign(state, { enabled: false, active: false })
    if (verb !== 'show') return exited(0)
    const { active, enabled } = state
    return exited(
      0,
      `LoadState=${active ? 'loaded' : 'not-found'}\nActiveState=${active ? 'active' : 'inactive'}\nMainPID=${active ? 88 : 0}\nUnitFileState=${enabled ? 'enabled' : ''}\nResult=success\n`,
    )
  }
  return { state, run }
}

describe('createSystemdAutostart', () => {
  let configDir = ''
  beforeEach(() => {
    configDir = mkdtempSync(join(tmpdir(), 'nexus-systemd-'))
  })
  afterEach(() => rmSync(configDir, { recursive: true }))
  const create = (run: RunCommand) =>
    createSystemdAutostart({ run, userName: 'ana', configDir, runtimeDir: '/run/user/7' })

  it('is installed once, found running, and removed', async () => {
    const { state, run } = createSystemctl()
    const autostart = create(run)
    const unitPath = join(configDir, 'systemd/user/opta-nexus.service')
    expect(await autostart.uninstall()).toEqual({ kind: 'not-installed' })
    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: false, unitPath })
    expect(readFileSync(unitPath, 'utf8')).toBe(renderSystemdUnit(spec))
    expect(await autostart.install(spec)).toMatchObject({ kind: 'installed', already: true })
    expect(state.calls.filter((verb) => verb === 'restart')).toHaveLength(1)
    expect(await autostart.read()).toMatchObject({ installed: true, loaded: true, running: true, pid: 88 })
    expect(await autostart.uninstall()).toEqual({ kind: 'removed', notes: [] })
    expect(existsSync(unitPath)).toBe(false)
    expect(state).toMatchObject({ active: false, enabled: false })
  })

  it('fails without a systemd for the user, and writes nothing', async () => {
    const { state, run } = createSystemctl()
    state.works = false
    expect(await create(run).install(spec)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/does not manage.*No medium found.*nexus serve/),
    })
    expect(existsSync(join(configDir, 'systemd'))).toBe(false)
    expect(await create(run).read()).toMatchObject({
      installed: false,
      loaded: null,
      running: null,
      pid: null,
    })
  })
})

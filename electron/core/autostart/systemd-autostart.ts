// The core as a systemd user unit.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import { describeFailure, type RunCommand } from '../platform/run-command.ts'
import type { Autostart, AutostartSpec } from './autostart.ts'

export interface SystemdOptions {
  readonly run: RunCommand
  readonly userName: string
  /** $XDG_CONFIG_HOME or ~/.config. */
  readonly configDir: string
  /** $XDG_RUNTIME_DIR: where the user's systemd listens. */
  readonly runtimeDir: string
}

const unitName = 'opta-nexus.service'

/**
 * KillMode=process: the core's servers are in its control group and must outlive it (systemd.kill(5)). Restart only
 * after a failure: a core that was stopped stays down.
 */
export const renderSystemdUnit = ({ argv, env }: AutostartSpec): string =>
  [
    '[Unit]',
    'Description=Opta Nexus: Build Forge, AI Engine and Router',
    '',
    '[Service]',
    `ExecStart=${argv.map((word) => quote(word).replaceAll('$', () => '$$')).join(' ')}`,
    ...Object.entries(env).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    'Restart=on-failure',
    'RestartSec=30',
    'KillMode=process',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n')

/** systemd.syntax(7): C escapes inside quotes; % starts a specifier. */
const quote = (word: string): string =>
  `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('\n', '\\n')}"`

/** `systemctl show`: one `Key=value` per line. */
export const parseSystemctlShow = (output: string): ReadonlyMap<string, string> =>
  new Map(
    output
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

export const createSystemdAutostart = (options: SystemdOptions): Autostart => {
  const unitPath = join(options.configDir, 'systemd', 'user', unitName)
  // Our commands run in a clean environment; without this variable systemctl does not find the user manager.
  const systemctl = (...words: readonly string[]) =>
    options.run(['env', `XDG_RUNTIME_DIR=${options.runtimeDir}`, 'systemctl', '--user', ...words], {
      timeoutMs: 30_000,
    })

  /** null when systemd manages this user's services; else the reason. */
  const whyUnavailable = async (): Promise<string | null> => {
    const result = await systemctl('show-environment')
    return result.kind === 'exited' && result.exitCode === 0
      ? null
      : `systemd does not manage this user's services here (${describeFailure(result)}); with another service manager, have it run nexus serve`
  }

  /** Runs the commands in sequence; returns the first failure's reason, or null. */
  const runAll = async (...commands: readonly (readonly string[])[]): Promise<string | null> => {
    for (const words of commands) {
      const result = await systemctl(...words)
      if (result.kind !== 'exited' || result.exitCode !== 0)
        return `systemctl --user ${words.join(' ')}: ${describeFailure(result)}`
    }
    return null
  }

  const readShow = async () => {
    const result = await systemctl(
      'show',
      unitName,
      '--property=LoadState,ActiveState,MainPID,UnitFileState,Result',
    )
    return result.kind === 'exited' && result.exitCode === 0 ? parseSystemctlShow(result.stdout) : null
  }

  const notes = [
    `It starts when ${options.userName} logs in, and ends with the last session. To start it at boot and keep it running:`,
    `loginctl enable-linger ${options.userName}`,
  ]

  return {
    install: async (spec) => {
      const reason = await whyUnavailable()
      if (reason !== null) return { kind: 'failed', reason }
      const unit = renderSystemdUnit(spec)
      const same = readFileOrNull(unitPath) === unit
      const show = await readShow()
      const already = same && show?.get('ActiveState') === 'active' && show.get('UnitFileState') === 'enabled'
      if (already) return { kind: 'installed', already, unitPath, notes }
      mkdirSync(dirname(unitPath), { recursive: true })
      writeFileSync(unitPath, unit)
      const failed = await runAll(['daemon-reload'], ['enable', unitName], ['restart', unitName])
      return failed === null
        ? { kind: 'installed', already, unitPath, notes }
        : { kind: 'failed', reason: failed }
    },
    uninstall: async () => {
      if (readFileOrNull(unitPath) === null) return { kind: 'not-installed' }
      const reason = await whyUnavailable()
      if (reason !== null) return { kind: 'failed', reason }
      const failed = await runAll(['disable', '--now', unitName])
      if (failed !== null) return { kind: 'failed', reason: failed }
      rmSync(unitPath, { force: true })
      const stale = await runAll(['daemon-reload'])
      return stale === null ? { kind: 'removed', notes: [] } : { kind: 'failed', reason: stale }
    },
    read: async () => {
      const installed = readFileOrNull(unitPath) !== null
      const reason = await whyUnavailable()
      const show = reason === null ? await readShow() : null
      const pid = Number(show?.get('MainPID') ?? 0)
      return {
        installed,
        unitPath,
        loaded: show === null ? null : show.get('LoadState') === 'loaded',
        running: show === null ? null : show.get('ActiveState') === 'active',
        pid: Number.isSafeInteger(pid) && pid > 0 ? pid : null,
        lastExit: sayResult(show?.get('Result')),
        reason: reason ?? (show === null ? 'systemctl show did not answer' : null),
      }
    },
  }
}

const sayResult = (result: string | undefined): string | null =>
  result === undefined || result === '' || result === 'success' ? null : result

// How this run was started: macOS grants different rights to Terminal, SSH, agents and daemons. Pure.
import type { StartedFrom } from './report.ts'

export const selfcheckLabel = 'ai.opta.nexus.selfcheck'

export interface StartFacts {
  readonly platform: 'darwin' | 'linux'
  readonly env: Readonly<Record<string, string | undefined>>
  /** What `launchctl managername` printed: Aqua, Background, LoginWindow, System; null elsewhere, or unknown. */
  readonly managerName: string | null
}

/** launchd sets XPC_SERVICE_NAME to a job's label; in Terminal it is 0 or the application's (seen in public reports). */
export const judgeStart = ({ platform, env, managerName }: StartFacts): StartedFrom => {
  const told = managerName === null ? '' : `, launchctl managername says ${managerName}`
  if (platform === 'darwin' && env['XPC_SERVICE_NAME'] === selfcheckLabel)
    return managerName === 'System'
      ? { kind: 'daemon', because: `a job of launchd${told}` }
      : { kind: 'agent', because: `a job of launchd${told}` }
  if (env['SSH_CONNECTION'] !== undefined) return { kind: 'ssh', because: `SSH_CONNECTION is set${told}` }
  if (platform === 'linux' && env['INVOCATION_ID'] !== undefined)
    return { kind: 'systemd', because: 'INVOCATION_ID is set' }
  if (managerName === 'System') return { kind: 'daemon', because: `no login session${told}` }
  if (env['TERM_PROGRAM'] !== undefined || managerName === 'Aqua')
    return { kind: 'terminal', because: `TERM_PROGRAM is ${env['TERM_PROGRAM'] ?? 'not set'}${told}` }
  return env['TERM'] === undefined
    ? { kind: 'unknown', because: `neither SSH_CONNECTION nor TERM is set${told}` }
    : { kind: 'terminal', because: `TERM is ${env['TERM']}${told}` }
}

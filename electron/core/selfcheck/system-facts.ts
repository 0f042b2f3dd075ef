// Machine and system, read once at the start of a run, and how it was started.
import { arch, hostname, release, totalmem } from 'node:os'
import { listNames } from '../base/regular-file.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { readOwnUserName } from '../platform/user-name.ts'
import type { PrivateWords } from './redact.ts'
import type { SelfcheckReport, StartedFrom } from './report.ts'

type SoftwareVersion = ReturnType<typeof parseSoftwareVersion>

/** `sw_vers`: `ProductVersion:<blanks or tabs>26.1`. null for any other text. */
export const parseSoftwareVersion = (text: string) => {
  const readLine = (key: string) => new RegExp(`^${key}:\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1] ?? null
  const version = readLine('ProductVersion')
  return version !== null && /^\d+(\.\d+){0,3}$/.test(version)
    ? { version, build: readLine('BuildVersion') }
    : null
}

/** The version of macOS, or null. */
export const readSoftwareVersion = async (run: RunCommand): Promise<SoftwareVersion> => {
  const result = await run(['sw_vers'], { timeoutMs: 2_000 })
  return result.kind === 'exited' ? parseSoftwareVersion(result.stdout) : null
}

export const readSystemFacts = async (
  platform: 'darwin' | 'linux',
  run: RunCommand,
  homeDir: string,
): Promise<{
  readonly system: Omit<SelfcheckReport['system'], 'nexus'>
  readonly managerName: string | null
  readonly privateWords: PrivateWords
}> => {
  const ask = async (...argv: readonly [string, ...string[]]): Promise<string | null> => {
    const result = await run(argv, { timeoutMs: 2_000 })
    const said = result.kind === 'exited' && result.exitCode === 0 ? result.stdout.trim() : ''
    return said === '' ? null : said
  }
  const isMac = platform === 'darwin'
  const [software, model, managerName, fullName, ...hostNames] = await Promise.all([
    isMac ? readSoftwareVersion(run) : { version: release(), build: null },
    isMac ? ask('sysctl', '-n', 'hw.model') : null,
    isMac ? ask('launchctl', 'managername') : null,
    isMac ? ask('id', '-F') : null,
    ...(isMac ? ['ComputerName', 'LocalHostName', 'HostName'] : []).map((name) =>
      ask('scutil', '--get', name),
    ),
  ])
  const host = hostname()
  const known = hostNames.flatMap((name) => name ?? [])
  return {
    system: {
      name: isMac ? 'macOS' : 'Linux',
      version: software?.version ?? null,
      build: software?.build ?? null,
      machine: arch(),
      model,
      memoryBytes: totalmem(),
      node: process.versions.node,
    },
    managerName,
    privateWords: {
      userNames: [
        // A number if the uid has no name: redacting it would redact plain numbers.
        ...[readOwnUserName()].filter((name) => !/^\d+$/.test(name)),
        ...(fullName === null ? [] : [fullName]),
        ...listPeople(isMac ? '/Users' : '/home'),
      ],
      hostNames: [host, host.split('.')[0] ?? host, ...known, ...known.map((name) => `${name}.local`)].filter(
        (name) => name !== 'localhost',
      ),
      homeDir,
    },
  }
}

/** Names of people's home folders, which lsof and ps may print. */
const listPeople = (homes: string): readonly string[] =>
  listNames(homes).filter((name) => !name.startsWith('.') && name !== 'Shared' && name !== 'Guest')

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

// Jobs of launchd with labels of the selfcheck's own: their plists, and `launchctl` with its exit status told apart.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseLaunchctlPrint } from '../autostart/launchd-print.ts'
import { type CommandResult, describeFailure, type RunCommand } from '../platform/run-command.ts'

export interface JobSpec {
  readonly label: string
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly logPath: string
  /** A daemon runs as root without it; null for an agent. */
  readonly userName: string | null
}

/**
 * Keys as in launchd.plist(5). LimitLoadToSessionType as an array: without Background a job is refused in `user/UID` (error 5),
 * with Background alone in `gui/UID` (nix-apple-container#8, hermes#30352). No KeepAlive: it runs once.
 */
export const renderJobPlist = ({ label, argv, env, logPath, userName }: JobSpec): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0"><dict>',
    `<key>Label</key>${text(label)}`,
    `<key>ProgramArguments</key><array>${argv.map(text).join('')}</array>`,
    `<key>EnvironmentVariables</key><dict>${Object.entries(env)
      .map(([name, value]) => `<key>${xml(name)}</key>${text(value)}`)
      .join('')}</dict>`,
    ...(userName === null ? [] : [`<key>UserName</key>${text(userName)}`]),
    '<key>RunAtLoad</key><true/>',
    '<key>AbandonProcessGroup</key><true/>',
    // Its default of 5 s is too short for a job that has servers to end.
    '<key>ExitTimeOut</key><integer>60</integer>',
    // By default a job is started anew 10 s after its last start at the earliest (launchd.plist(5)): kickstart would wait.
    '<key>ThrottleInterval</key><integer>1</integer>',
    '<key>ProcessType</key><string>Interactive</string>',
    ...(userName === null
      ? ['<key>LimitLoadToSessionType</key><array><string>Aqua</string><string>Background</string></array>']
      : []),
    `<key>StandardOutPath</key>${text(logPath)}`,
    `<key>StandardErrorPath</key>${text(logPath)}`,
    '</dict></plist>',
    '',
  ].join('\n')

const xml = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const text = (value: string): string => `<string>${xml(value)}</string>`

/** For its owner alone, as launchd wants it: a plist that others may write is refused. */
export const writeJobPlist = (path: string, spec: JobSpec): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, renderJobPlist(spec), { mode: 0o600 })
}

export type PrintedJob =
  | {
      readonly kind: 'loaded'
      readonly pid: number | null
      readonly state: string
      readonly coalition: number | null
    }
  | { readonly kind: 'not-loaded' }
  /** Nobody is logged in at the screen (`gui`), or there is no such user: both 112 and 125 were seen. */
  | { readonly kind: 'no-domain' }
  | { readonly kind: 'unknown'; readonly reason: string }

export const printJob = async (run: RunCommand, target: string): Promise<PrintedJob> => {
  const result = await run(['launchctl', 'print', target])
  if (result.kind === 'not-run') return { kind: 'unknown', reason: result.reason }
  switch (result.exitCode) {
    case 0: {
      const job = parseLaunchctlPrint(result.stdout)
      return job === null
        ? { kind: 'unknown', reason: 'launchctl print is not understood' }
        : { kind: 'loaded', pid: job.pid, state: job.state, coalition: parseCoalition(result.stdout) }
    }
    case 113:
      return { kind: 'not-loaded' }
    case 112:
    case 125:
      return { kind: 'no-domain' }
    default:
      return { kind: 'unknown', reason: `exit status ${result.exitCode}: ${describeFailure(result)}` }
  }
}

/** `ID = 1140` in the block `resource coalition` (recorded on macOS 26 and 27). */
export const parseCoalition = (printed: string): number | null => {
  const id = /^\s*resource coalition = \{\s*ID = (\d{1,15})\s/m.exec(printed)?.[1]
  return id === undefined ? null : Number(id)
}

/** Where a job of this user goes: beside the person at the screen, or where there is none, into the user's own domain. */
export const chooseDomain = async (
  run: RunCommand,
  uid: number,
): Promise<`gui/${number}` | `user/${number}`> => {
  const { kind } = await printJob(run, `gui/${uid}/ai.opta.nexus.selfcheck.none`)
  return kind === 'no-domain' ? `user/${uid}` : `gui/${uid}`
}

export const bootstrapJob = (run: RunCommand, domain: string, path: string): Promise<CommandResult> =>
  run(['launchctl', 'bootstrap', domain, path], { timeoutMs: 15_000 })

const lookMs = 100
/** bootout answers before the job is gone; 5 s were measured (headroom#1289). */
const goneWithinMs = 15_000

/** Idempotent; rejects when the job is still loaded after 15 s. */
export const removeJob = async (run: RunCommand, target: string): Promise<void> => {
  const result = await run(['launchctl', 'bootout', target], { timeoutMs: 15_000 })
  const deadline = performance.now() + goneWithinMs
  for (;;) {
    const printed = await printJob(run, target)
    if (printed.kind === 'not-loaded' || printed.kind === 'no-domain') return
    if (performance.now() > deadline)
      throw new Error(`it is still loaded: launchctl bootout: ${describeFailure(result)}`)
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

// launchd jobs of the selfcheck, with the same plist and readings as the real service: harmless ones for its probes, and itself as
// an agent, or as a daemon, which only root can start.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { writePrivateFile } from '../base/private-file.ts'
import { createLaunchd } from '../platform/launchd/launchd.ts'
import { type LaunchdJobSpec, renderLaunchdPlist } from '../platform/launchd/plist.ts'
import { createLaunchdReading, type JobReading, type LaunchdDomain } from '../platform/launchd/reading.ts'
import { type CommandResult, describeFailure, type RunCommand } from '../platform/run-command.ts'

export interface JobPlace {
  readonly domain: LaunchdDomain
  readonly label: string
}

/** launchctl's name for a job, such as gui/501/ai.opta.nexus.selfcheck. */
export const targetOf = ({ domain, label }: JobPlace): string => `${domain}/${label}`

/** launchd refuses a plist that others may write. */
export const writeJobPlist = (path: string, spec: LaunchdJobSpec): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writePrivateFile(path, renderLaunchdPlist(spec))
}

// The caller names the domain, so the uid doesn't matter here.
export const readJob = (run: RunCommand, { domain, label }: JobPlace): Promise<JobReading> =>
  createLaunchdReading(run, 0).read(domain, label)

/** null: no process, not loaded, or unparsable. */
export const pidOf = (reading: JobReading): number | null =>
  reading.kind === 'loaded' ? (reading.job?.pid ?? null) : null

/** The domain for this user's jobs: gui if the user is logged in at the screen, else user. */
export const chooseDomain = async (run: RunCommand, uid: number): Promise<LaunchdDomain> => {
  const { kind } = await readJob(run, { domain: `gui/${uid}`, label: 'ai.opta.nexus.selfcheck.none' })
  return kind === 'no-domain' ? `user/${uid}` : `gui/${uid}`
}

/** @throws launchd's error when it refuses */
export const bootstrapJob = async (run: RunCommand, domain: LaunchdDomain, path: string): Promise<void> => {
  const result = await tryBootstrap(run, domain, path)
  if (result.kind !== 'exited' || result.exitCode !== 0)
    throw new Error(`launchctl bootstrap ${domain} ${path}: ${describeFailure(result)}`)
}

export const tryBootstrap = (run: RunCommand, domain: LaunchdDomain, path: string): Promise<CommandResult> =>
  run(['launchctl', 'bootstrap', domain, path], { timeoutMs: 15_000 })

/** Idempotent; rejects when the job is still loaded after half a minute. */
export const removeJob = async (run: RunCommand, { domain, label }: JobPlace): Promise<void> => {
  const left = await createLaunchd({ run, uid: 0, pollMs: 100 }).unload(domain, label)
  if (left !== null) throw new Error(`it is still loaded: ${left}`)
}

export interface AgentRun {
  readonly run: RunCommand
  readonly uid: number
  readonly spec: LaunchdJobSpec
  readonly plistPath: string
  readonly signal: AbortSignal
  /** Called for each line of the job's output. */
  readonly onLine: (line: string) => void
}

const lookMs = 250
/** Time for the job to clean up after SIGTERM, servers included. */
const endsWithinMs = 60_000

/** Settles when the job has ended. Throws launchd's error when it does not start. */
export const runAsAgent = async ({ run, uid, spec, plistPath, signal, onLine }: AgentRun): Promise<void> => {
  const domain = await chooseDomain(run, uid)
  const place = { domain, label: spec.label }
  const target = targetOf(place)
  writeJobPlist(plistPath, spec)
  const before = await readJob(run, place)
  if (before.kind === 'loaded')
    throw new Error(
      `${target} is already loaded, so another run is active: launchctl bootout ${target} ends it`,
    )
  await bootstrapJob(run, domain, plistPath)
  let told = 0
  const tell = () => {
    const text = existsSync(spec.logPath) ? readFileSync(spec.logPath, 'utf8') : ''
    const end = text.lastIndexOf('\n') + 1
    if (end > told) for (const line of text.slice(told, end - 1).split('\n')) onLine(line)
    told = Math.max(told, end)
  }
  try {
    let endBy = Number.POSITIVE_INFINITY
    for (;;) {
      tell()
      if (signal.aborted && endBy === Number.POSITIVE_INFINITY) {
        endBy = performance.now() + endsWithinMs
        await run(['launchctl', 'kill', 'SIGTERM', target])
      }
      const found = await readJob(run, place)
      const runs = found.kind === 'unknown' || pidOf(found) !== null
      if (!runs || performance.now() > endBy) break
      await pause(lookMs)
    }
    tell()
  } finally {
    await removeJob(run, place)
  }
}

/** The commands for root, in order. @param plistPath the prepared plist */
export const listDaemonCommands = (label: string, plistPath: string, logPath: string): readonly string[] => {
  const installed = `/Library/LaunchDaemons/${label}.plist`
  return [
    `sudo install -m 0644 -o root -g wheel ${quoteForShell(plistPath)} ${installed}`,
    `sudo launchctl bootstrap system ${installed}`,
    `tail -f ${quoteForShell(logPath)}   # about two minutes, until it prints the next step; then Ctrl-C`,
    `sudo launchctl bootout system/${label}; sudo rm ${installed}`,
  ]
}

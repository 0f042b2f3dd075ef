// Harmless launchd jobs for the selfcheck, with the same plist and readings as the real service.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
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

// Runs the selfcheck as a launchd job: starts and follows an agent, or lists the commands with which root runs a daemon.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { LaunchdJobSpec } from '../platform/launchd/plist.ts'
import type { RunCommand } from '../platform/run-command.ts'
import {
  bootstrapJob,
  chooseDomain,
  pidOf,
  readJob,
  removeJob,
  targetOf,
  writeJobPlist,
} from './launchd-job.ts'

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

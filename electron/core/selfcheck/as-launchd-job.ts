// The selfcheck as a job of launchd: an agent is started and followed, for a daemon root gets the commands.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { quoteForShell } from '../../shell-quote.ts'
import { describeFailure, type RunCommand } from '../platform/run-command.ts'
import {
  bootstrapJob,
  chooseDomain,
  type JobSpec,
  printJob,
  removeJob,
  writeJobPlist,
} from './launchd-job.ts'

export interface AgentRun {
  readonly run: RunCommand
  readonly uid: number
  readonly spec: JobSpec
  readonly plistPath: string
  readonly signal: AbortSignal
  /** Each line that the job writes. */
  readonly onLine: (line: string) => void
}

const lookMs = 250
/** What it made is removed on SIGTERM too, the servers included. */
const endsWithinMs = 60_000

/** Settles when the job has ended. Throws with launchd's words when it is not started. */
export const runAsAgent = async ({ run, uid, spec, plistPath, signal, onLine }: AgentRun): Promise<void> => {
  const domain = await chooseDomain(run, uid)
  const target = `${domain}/${spec.label}`
  writeJobPlist(plistPath, spec)
  const before = await printJob(run, target)
  if (before.kind === 'loaded')
    throw new Error(`${target} is loaded already, so another one runs: launchctl bootout ${target} ends it`)
  const started = await bootstrapJob(run, domain, plistPath)
  if (started.kind !== 'exited' || started.exitCode !== 0)
    throw new Error(`launchctl bootstrap ${domain} ${plistPath}: ${describeFailure(started)}`)
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
      const printed = await printJob(run, target)
      const runs = printed.kind === 'unknown' || (printed.kind === 'loaded' && printed.pid !== null)
      if (!runs || performance.now() > endBy) break
      await pause(lookMs)
    }
    tell()
  } finally {
    await removeJob(run, target)
  }
}

/** What root runs, one after the other. @param plistPath where the plist was laid out for it */
export const listDaemonCommands = (label: string, plistPath: string, logPath: string): readonly string[] => {
  const installed = `/Library/LaunchDaemons/${label}.plist`
  return [
    `sudo install -m 0644 -o root -g wheel ${quoteForShell(plistPath)} ${installed}`,
    `sudo launchctl bootstrap system ${installed}`,
    `tail -f ${quoteForShell(logPath)}   # about two minutes, until it says what comes next; then Ctrl-C`,
    `sudo launchctl bootout system/${label}; sudo rm ${installed}`,
  ]
}

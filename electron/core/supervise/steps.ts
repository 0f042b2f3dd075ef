// Carrying out the steps of a supervisor: the only place that changes what runs.
import { setTimeout as pause } from 'node:timers/promises'
import { firstOf } from '../base/first-of.ts'
import type { LogMark } from '../logs/log-generations.ts'
import { awaitReady } from './await-ready.ts'
import { endLeftovers } from './child-process.ts'
import type { ProcessExit } from './child-service.ts'
import type { Ending } from './ending.ts'
import { type ChildLog, type LaunchOptions, launch, type Running } from './launch.ts'
import type { Ledger } from './ledger.ts'
import type { Standing, Step } from './next-step.ts'
import type { PhaseRecord } from './phase-record.ts'
import type { CrashRecord } from './restart-policy.ts'

/** What the supervisor's orders and its steps both change. */
export interface Run {
  desired: Standing['desired']
  running: Running | null
  closed: boolean
  /** Resolved by each order; a new one for each step. */
  wake: PromiseWithResolvers<null>
}

export interface StepOptions extends Omit<LaunchOptions, 'isWanted' | 'log'> {
  readonly run: Run
  readonly profileName: string
  readonly ledger: Ledger
  readonly log: ChildLog
  readonly record: PhaseRecord
  readonly ending: Ending
  readonly crashes: CrashRecord
  readonly becomeReady: () => void
}

/** What the loop does after a step: the next one, or nothing until an order comes. */
type After = 'next' | 'rest'

/** Grace for a process that an earlier stop did not finish, when no new stop sets one. */
export const unfinishedGraceMs = 5_000
/** The cause may be followed by a chat template (150 lines) or the traceback of a task cancelled by a taken port (105). */
const logTailLines = 1_000
const firstAnswer = 'its first answer'

export const createSteps = (options: StepOptions) => {
  const { run, service, profileName, processes, ledger, log, record, ending, crashes, becomeReady } = options
  const { phase, detail, enter } = record

  const stop = async (child: Running | null): Promise<'ended' | 'still-there'> => {
    if (child !== null) {
      enter('stopping', { waitingFor: 'the process to end' })
      ledger.markEnding(service.id)
      const left = await ending.end(child.process)
      if (left.length > 0) {
        failWithLeft(left)
        return 'still-there'
      }
      run.running = null
    }
    if (!run.closed) ledger.forget(service.id)
    if (run.desired === 'down') enter('stopped')
    return 'ended'
  }

  const failWithLeft = (pids: readonly number[]) =>
    enter('failed', { reason: `pid ${pids.join(', ')} did not end even after SIGKILL` })

  const start = async (): Promise<After> => {
    if (phase() !== 'starting') enter('starting', { waitingFor: 'preparing' })
    const isWanted = () => run.desired === 'up' && !run.closed
    const launched = await launch({ ...options, isWanted })
    switch (launched.kind) {
      case 'failed':
        enter('failed', launched.detail)
        return 'rest'
      case 'ended':
        return decideAfterExit(launched.exit, launched.logMark)
      case 'running':
        own(launched.running, launched.argv)
        return 'next'
      case 'overtaken':
        return 'next'
    }
  }

  const own = (next: Running, argv: readonly string[]) => {
    run.running = next
    ledger.record({
      service: service.id,
      pid: next.process.identity.pid,
      startedAt: next.process.identity.startedAt,
      argv: [...argv],
      profile: profileName,
      spawnedAtMs: next.startedMs,
      logMark: next.logMark,
    })
    enter('starting', { waitingFor: firstAnswer })
  }

  const watch = async ({ process, logMark }: Running): Promise<After> => {
    const exit = await untilExit(process.exited)
    if (exit === null) return 'next'
    const left = await endLeftovers(process.identity.pid, processes)
    if (left.length === 0) return decideAfterExit(exit, logMark)
    run.running = null
    failWithLeft(left)
    return 'rest'
  }

  /** null when woken. */
  const untilExit = async (exited: Promise<ProcessExit>): Promise<ProcessExit | null> => {
    // It is alive although the last order failed: a start probes it again.
    if (phase() !== 'starting' && !record.isServing()) enter('starting', { waitingFor: firstAnswer })
    if (phase() === 'starting') {
      const seen = await awaitReady(service, exited, run.wake.promise, (waitingFor) => {
        if (detail().waitingFor !== waitingFor) enter('starting', { waitingFor })
      })
      if (seen !== 'ready') return seen
      becomeReady()
    }
    return firstOf<ProcessExit | null>([exited, run.wake.promise])
  }

  const decideAfterExit = async (exit: ProcessExit, logMark: LogMark): Promise<After> => {
    // Another supervisor may have taken over and recorded its own child.
    if (run.closed) return 'rest'
    ledger.forget(service.id)
    const logTail = await log.readSince(logMark, logTailLines)
    // Cleared only now that the next phase is known: `ready` without a process would be a contradiction.
    run.running = null
    if (run.desired === 'down' || run.closed) return 'rest'
    const explained = service.explainExit({ ...exit, logTail })
    const decision = crashes.add(explained)
    if (decision.kind === 'fail') {
      enter('failed', { reason: decision.reason })
      return 'rest'
    }
    const { delayMs } = decision
    enter('starting', {
      reason: explained.reason,
      waitingFor: `a restart in ${(delayMs / 1000).toFixed(1)} s`,
    })
    await firstOf<unknown>([pause(delayMs), run.wake.promise])
    return 'next'
  }

  const carryOut = async (step: Step): Promise<After> => {
    switch (step.kind) {
      case 'stop':
        await stop(step.running)
        return 'rest'
      case 'finish-stop':
        ending.renewGrace()
        ending.limitGrace(unfinishedGraceMs).unref()
        return (await stop(step.running)) === 'ended' ? 'next' : 'rest'
      case 'launch':
        return start()
      case 'watch':
        return watch(step.running)
    }
  }

  return carryOut
}

// One child process from start to stop: the single writer of its state.
import { setTimeout as pause } from 'node:timers/promises'
import type { ServiceState } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { firstOf } from '../base/first-of.ts'
import type { LogMark } from '../logs/log-generations.ts'
import { awaitReady } from './await-ready.ts'
import { adoptProcess, endLeftovers } from './child-process.ts'
import type { ProbeResult, ProcessExit } from './child-service.ts'
import { createEnding } from './ending.ts'
import { type ChildLog, type LaunchOptions, launch, type Running } from './launch.ts'
import { identityOf, type Ledger } from './ledger.ts'
import { isSameProcess } from './life-look.ts'
import { nextStep, type Step } from './next-step.ts'
import { createPhaseRecord } from './phase-record.ts'
import { createCrashRecord, type RestartPolicy } from './restart-policy.ts'

export interface SupervisorOptions
  extends Pick<LaunchOptions, 'service' | 'processes'>,
    Partial<Pick<LaunchOptions, 'describeForeign'>> {
  readonly profileName: string
  readonly ledger: Ledger
  readonly log: ChildLog
  readonly policy: RestartPolicy
  readonly onChange: () => void
  /** Clock (ms since epoch) and random number (0 to 1), replaced by tests. */
  readonly now?: () => number
  readonly random?: () => number
}

export interface Supervisor {
  state(): ServiceState
  /** Idempotent. Settles when the service is ready or failed, or when a stop overtook it. */
  start(): Promise<ServiceState>
  /**
   * Idempotent; cancels a start. SIGTERM, at most `graceMs`, SIGKILL. A second call with a shorter grace hurries the
   * first. Settles when nothing of the service is left, when something survived (failed), or when a start overtook it.
   */
  stop(graceMs: number): Promise<ServiceState>
  /**
   * Takes over a running process of an earlier core; false when there is none. If the earlier core had begun to stop it,
   * finishes that and returns false.
   */
  adopt(): Promise<boolean>
  /** The poller's probe of a running service: decides between ready and degraded. */
  reportHealth(result: ProbeResult): void
  /** Stops supervising; leaves the process running. */
  close(): void
}

/** What the loop does after a step: the next one, or nothing until an order comes. */
type After = 'next' | 'rest'

/** Grace for a process that an earlier stop did not finish, when no new stop sets one. */
const unfinishedGraceMs = 5_000
/** A single slow answer is not an outage. */
const missesUntilDegraded = 2
/** The cause may be followed by a chat template (150 lines) or the traceback of a task cancelled by a taken port (105). */
const logTailLines = 1_000
const firstAnswer = 'its first answer'

export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { service, processes, ledger, log } = options
  const now = options.now ?? Date.now

  let desired: 'up' | 'down' = 'down'
  /** Counts start() and stop() calls, so that the loop doesn't miss one that comes while it is ending. */
  let ordersGiven = 0
  let running: Running | null = null
  let looping = false
  let closed = false
  /** Resolved by each order. */
  let wake = Promise.withResolvers<null>()
  let misses = 0
  const record = createPhaseRecord(now, options.onChange)
  const { phase, detail, waitUntil } = record
  const crashes = createCrashRecord(options.policy, now, options.random ?? Math.random)
  const ending = createEnding(processes)

  const state = (): ServiceState => ({
    phase: phase(),
    since: record.since(),
    pid: running?.process.identity.pid ?? null,
    adopted: running?.process.adopted ?? false,
    restarts: crashes.restarts(),
    uptimeSeconds: running === null ? null : Math.max(0, (now() - running.startedMs) / 1000),
    endpoint: isServing() ? service.endpoint : null,
    ...detail(),
  })

  const isServing = () => phase() === 'ready' || phase() === 'degraded'

  const enter: typeof record.enter = (next, nextDetail) => {
    if (!closed) record.enter(next, nextDetail)
  }

  // --- the steps: the only places that change what runs --------------------------------------------------------------

  const stop = async (child: Running | null): Promise<'ended' | 'still-there'> => {
    if (child !== null) {
      enter('stopping', { waitingFor: 'the process to end' })
      ledger.markEnding(service.id)
      const left = await ending.end(child.process)
      if (left.length > 0) {
        failWithLeft(left)
        return 'still-there'
      }
      running = null
    }
    if (!closed) ledger.forget(service.id)
    if (desired === 'down') enter('stopped')
    return 'ended'
  }

  const failWithLeft = (pids: readonly number[]) =>
    enter('failed', { reason: `pid ${pids.join(', ')} did not end even after SIGKILL` })

  const start = async (): Promise<After> => {
    if (phase() !== 'starting') enter('starting', { waitingFor: 'preparing' })
    const isWanted = () => desired === 'up' && !closed
    const { describeForeign = async () => null } = options
    const launched = await launch({ service, processes, log, describeForeign, isWanted, now })
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
    running = next
    ledger.record({
      service: service.id,
      pid: next.process.identity.pid,
      startedAt: next.process.identity.startedAt,
      argv: [...argv],
      profile: options.profileName,
      spawnedAtMs: next.startedMs,
      logMark: next.logMark,
    })
    enter('starting', { waitingFor: firstAnswer })
  }

  const watch = async ({ process, logMark }: Running): Promise<After> => {
    const exit = await untilExit(process.exited)
    if (exit === null) return 'next'
    process.release()
    const left = await endLeftovers(process.identity.pid, processes)
    if (left.length === 0) return decideAfterExit(exit, logMark)
    running = null
    failWithLeft(left)
    return 'rest'
  }

  /** null when woken. */
  const untilExit = async (exited: Promise<ProcessExit>): Promise<ProcessExit | null> => {
    // It is alive although the last order failed: a start probes it again.
    if (phase() !== 'starting' && !isServing()) enter('starting', { waitingFor: firstAnswer })
    if (phase() === 'starting') {
      const seen = await awaitReady(service, exited, wake.promise, (waitingFor) => {
        if (detail().waitingFor !== waitingFor) enter('starting', { waitingFor })
      })
      if (seen !== 'ready') return seen
      misses = 0
      enter('ready')
    }
    return firstOf<ProcessExit | null>([exited, wake.promise])
  }

  const decideAfterExit = async (exit: ProcessExit, logMark: LogMark): Promise<After> => {
    // Another supervisor may have taken over and recorded its own child.
    if (closed) return 'rest'
    ledger.forget(service.id)
    const logTail = await log.readSince(logMark, logTailLines)
    // Cleared only now that the next phase is known: `ready` without a process would be a contradiction.
    running = null
    if (desired === 'down' || closed) return 'rest'
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
    await firstOf<unknown>([pause(delayMs), wake.promise])
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

  const runLoop = async (): Promise<void> => {
    looping = true
    let ordersSeen: number
    let after: After
    do {
      ordersSeen = ordersGiven
      wake = Promise.withResolvers<null>()
      const isDoomed = running !== null && ending.isDoomed(running.process)
      after = await carryOut(nextStep({ desired, running, isDoomed })).catch((error: unknown) => {
        enter('failed', { reason: messageOf(error) })
        return 'rest' as const
      })
      // No await between this check and `looping = false`, or an order could be lost.
    } while ((after === 'next' || ordersGiven !== ordersSeen) && !closed)
    looping = false
  }

  const ensureLoop = () => {
    wake.resolve(null)
    if (!looping) void runLoop()
  }

  // --- orders ----------------------------------------------------------------------------------------------------

  return {
    state,
    start: () => {
      if (closed || (desired === 'up' && isServing())) return Promise.resolve(state())
      if (desired === 'down' || phase() === 'failed') {
        desired = 'up'
        ordersGiven += 1
        crashes.forget()
      }
      record.recheck()
      const done = waitUntil(() => isServing() || phase() === 'failed' || desired === 'down').then(state)
      ensureLoop()
      return done
    },
    stop: (graceMs) => {
      if (closed) return Promise.resolve(state())
      if ((desired === 'up' && !ending.isUnderWay()) || !looping) ending.renewGrace()
      desired = 'down'
      ordersGiven += 1
      const timer = ending.limitGrace(graceMs)
      record.recheck()
      const done = waitUntil(() => desired === 'up' || phase() === 'stopped' || phase() === 'failed').then(
        state,
      )
      ensureLoop()
      return done.finally(() => {
        // A start that overtook this stop still waits for the old process, which may ignore SIGTERM: keep the timer then.
        if (desired === 'down') clearTimeout(timer)
      })
    },
    adopt: async () => {
      const entry = ledger.find(service.id)
      if (entry === null || running !== null) return running !== null
      if (!(await isSameProcess(identityOf(entry), processes))) {
        ledger.forget(service.id)
        return false
      }
      const process = adoptProcess(identityOf(entry), processes)
      running = { process, logMark: entry.logMark, startedMs: entry.spawnedAtMs }
      ordersGiven += 1
      const isEnding = entry.ending === true
      if (isEnding) {
        ending.renewGrace()
        ending.limitGrace(unfinishedGraceMs).unref()
        enter('stopping', { waitingFor: 'the process to end' })
      } else {
        desired = 'up'
        enter('starting', { waitingFor: firstAnswer })
      }
      ensureLoop()
      return !isEnding
    },
    reportHealth: (result) => {
      if (!isServing()) return
      misses = result.state === 'ready' ? 0 : misses + 1
      if (result.state === 'unreachable') running?.process.doubt()
      if (result.state === 'ready') {
        if (phase() === 'degraded') enter('ready')
      } else if (misses >= missesUntilDegraded) {
        if (phase() !== 'degraded' || detail().reason !== result.detail)
          enter('degraded', { reason: result.detail })
      }
    },
    close: () => {
      closed = true
      running?.process.release()
      wake.resolve(null)
    },
  }
}

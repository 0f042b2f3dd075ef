// One child process from start to stop: the single writer of its state.
import type { ServiceState } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { adoptProcess } from './child-process.ts'
import type { ProbeResult } from './child-service.ts'
import { createEnding } from './ending.ts'
import { createHealth } from './health.ts'
import type { ChildLog, LaunchOptions } from './launch.ts'
import { identityOf, type Ledger } from './ledger.ts'
import { isSameProcess } from './life-look.ts'
import { nextStep } from './next-step.ts'
import { createPhaseRecord } from './phase-record.ts'
import { createCrashRecord, type RestartPolicy } from './restart-policy.ts'
import { createSteps, type Run, unfinishedGraceMs } from './steps.ts'

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

export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { service, processes, ledger } = options
  const now = options.now ?? Date.now

  const run: Run = { desired: 'down', running: null, closed: false, wake: Promise.withResolvers<null>() }
  /** An order came since the loop began its step, so that the loop doesn't miss one that comes while it is ending. */
  let isOrdered = false
  let looping = false
  const record = createPhaseRecord(now, options.onChange)
  const { phase, detail, isServing, enter, waitUntil } = record
  const health = createHealth(record)
  const crashes = createCrashRecord(options.policy, now, options.random ?? Math.random)
  const ending = createEnding(processes)
  const carryOut = createSteps({
    describeForeign: async () => null,
    ...options,
    run,
    now,
    record,
    ending,
    crashes,
    becomeReady: health.becomeReady,
  })

  const state = (): ServiceState => ({
    phase: phase(),
    since: record.since(),
    pid: run.running?.process.identity.pid ?? null,
    adopted: run.running?.process.adopted ?? false,
    restarts: crashes.restarts(),
    uptimeSeconds: run.running === null ? null : Math.max(0, (now() - run.running.startedMs) / 1000),
    endpoint: isServing() ? service.endpoint : null,
    ...detail(),
  })

  const runLoop = async (): Promise<void> => {
    looping = true
    let after: 'next' | 'rest'
    do {
      isOrdered = false
      run.wake = Promise.withResolvers<null>()
      const { desired, running } = run
      const isDoomed = running !== null && ending.isDoomed(running.process)
      after = await carryOut(nextStep({ desired, running, isDoomed })).catch((error: unknown) => {
        enter('failed', { reason: messageOf(error) })
        return 'rest' as const
      })
      // No await between this check and `looping = false`, or an order could be lost.
    } while ((after === 'next' || isOrdered) && !run.closed)
    looping = false
  }

  const order = (desired: Run['desired']) => {
    run.desired = desired
    isOrdered = true
  }

  const ensureLoop = () => {
    run.wake.resolve(null)
    if (!looping) void runLoop()
  }

  // --- orders ----------------------------------------------------------------------------------------------------

  return {
    state,
    start: () => {
      if (run.closed) return Promise.resolve(state())
      if (run.desired === 'down' || phase() === 'failed') {
        order('up')
        crashes.forget()
      }
      record.recheck()
      // Also when the stop that this takes back had not begun: no change of phase would settle the wait below.
      if (isServing()) return Promise.resolve(state())
      const done = waitUntil(() => isServing() || phase() === 'failed' || run.desired === 'down').then(state)
      ensureLoop()
      return done
    },
    stop: (graceMs) => {
      if (run.closed) return Promise.resolve(state())
      if ((run.desired === 'up' && !ending.isUnderWay()) || !looping) ending.renewGrace()
      order('down')
      const timer = ending.limitGrace(graceMs)
      // A start that this overtakes settles now, not after its preparation.
      record.recheck()
      const done = waitUntil(
        () => run.desired === 'up' || phase() === 'stopped' || phase() === 'failed',
      ).then(state)
      ensureLoop()
      return done.finally(() => {
        // A start that overtook this stop still waits for the old process, which may ignore SIGTERM: keep the timer then.
        if (run.desired === 'down') clearTimeout(timer)
      })
    },
    adopt: async () => {
      const entry = ledger.find(service.id)
      if (entry === null || run.running !== null) return run.running !== null
      if (!(await isSameProcess(identityOf(entry), processes))) {
        ledger.forget(service.id)
        return false
      }
      const process = adoptProcess(identityOf(entry), processes)
      run.running = { process, logMark: entry.logMark, startedMs: entry.spawnedAtMs }
      const isEnding = entry.ending === true
      order(isEnding ? 'down' : 'up')
      if (isEnding) ending.limitGrace(unfinishedGraceMs).unref()
      ensureLoop()
      return !isEnding
    },
    reportHealth: (result) => {
      if (result.state === 'unreachable') run.running?.process.doubt()
      health.report(result)
    },
    close: () => {
      run.closed = true
      record.close()
      run.running?.process.release()
      run.wake.resolve(null)
    },
  }
}

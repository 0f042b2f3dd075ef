// One child process from start to stop: the single writer of its state.

import { closeSync } from 'node:fs'
import type { ForeignProcess, ServiceState } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { firstOf } from '../base/first-of.ts'
import { type LogMark, logBeginning } from '../logs/log-generations.ts'
import { type ProcessIdentity, type ProcessTable, runsArgv } from '../platform/platform.ts'
import {
  adoptProcess,
  endLeftovers,
  endProcess,
  type OwnedProcess,
  type ProcessExit,
  spawnOwned,
} from './child-process.ts'
import type { ChildService, LaunchSpec, ProbeResult } from './child-service.ts'
import { identityOf, type Ledger } from './ledger.ts'
import { isSameProcess } from './life-look.ts'
import { createPhaseRecord, type PhaseRecord } from './phase-record.ts'
import { describePortTaken } from './port-taken.ts'
import { decideRestart, type RestartPolicy } from './restart-policy.ts'

export interface SupervisorLog {
  /** Opens the child's log; `mark` is where the lines of this run begin. */
  open(): { readonly fd: number; readonly mark: LogMark }
  readSince(mark: LogMark, maxLines: number): Promise<readonly string[]>
}

export interface SupervisorOptions {
  readonly service: ChildService
  readonly profileName: string
  readonly processes: ProcessTable
  readonly ledger: Ledger
  readonly log: SupervisorLog
  readonly policy: RestartPolicy
  /** What to do about a foreign process on the port, as the end of a sentence; null: nothing to add. */
  readonly describeForeign?: (owner: ForeignProcess) => Promise<string | null>
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

interface Running {
  readonly process: OwnedProcess
  readonly logMark: LogMark
  readonly startedMs: number
}

type Step = 'woken' | { readonly exit: ProcessExit }

/** How often to probe while starting: often enough to add no start-up time. */
const startProbeMs = 50
const probeTimeoutMs = 5_000
/** Grace for a process that an earlier stop did not finish, when no new stop sets one. */
const unfinishedGraceMs = 5_000
/** A single slow answer is not an outage. */
const missesUntilDegraded = 2
/** The cause may be followed by a chat template (150 lines) or the traceback of a task cancelled by a taken port (105). */
const logTailLines = 1_000

export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { service, processes, ledger, log, policy } = options
  const now = options.now ?? Date.now
  const random = options.random ?? Math.random

  let desired: 'up' | 'down' = 'down'
  /** Counts start() and stop() calls, so that the loop doesn't miss one that comes while it is ending. */
  let ordersGiven = 0
  let running: Running | null = null
  let looping = false
  let closed = false
  let wake = createSignal()
  let graceOver = createSignal()
  /** A process between its first SIGTERM and its end: after an unfinished stop it must not count as running again. */
  let doomed: OwnedProcess | null = null
  /** Whether the loop is waiting for its end, and so for this very `graceOver`. */
  let isEnding = false
  let crashTimesMs: number[] = []
  let restarts = 0
  let misses = 0
  const record = createPhaseRecord(now, options.onChange)
  const { phase, detail, waitUntil } = record

  const state = (): ServiceState => ({
    phase: phase(),
    since: record.since(),
    pid: running?.process.identity.pid ?? null,
    adopted: running?.process.adopted ?? false,
    restarts,
    uptimeSeconds: running === null ? null : Math.max(0, (now() - running.startedMs) / 1000),
    endpoint: isServing() ? service.endpoint : null,
    ...detail(),
  })

  const isServing = () => phase() === 'ready' || phase() === 'degraded'

  const enter: PhaseRecord['enter'] = (next, nextDetail) => {
    if (!closed) record.enter(next, nextDetail)
  }

  /** The first promise's value; null as soon as start, stop or close is called. */
  const unlessWoken = <T>(...promises: readonly Promise<T>[]): Promise<T | null> =>
    firstOf<T | null>([...promises, wake.promise])

  // --- launching -------------------------------------------------------------------------------------------------

  const launch = async (): Promise<'running' | 'failed' | 'again'> => {
    if (phase() !== 'starting') enter('starting', { waitingFor: 'preparing' })
    let spec: LaunchSpec
    try {
      spec = await service.prepare()
    } catch (error) {
      enter('failed', { reason: messageOf(error) })
      return 'failed'
    }
    const owner = desired === 'up' && !closed ? await processes.readPortOwner(service.port) : null
    if (desired === 'down' || closed) return 'again'
    return owner === null ? spawnChild(spec) : takeOverOrRefuse(owner, spec)
  }

  const spawnChild = async (spec: LaunchSpec): Promise<'running' | 'failed' | 'again'> => {
    const { fd, mark } = log.open()
    const startedMs = now()
    const outcome = await spawnOwned(spec, fd, processes).finally(() => closeSync(fd))
    switch (outcome.kind) {
      case 'not-spawned':
        enter('failed', { reason: outcome.reason })
        return 'failed'
      case 'ended':
        return (await decideAfterExit(outcome.exit, mark)) ? 'again' : 'failed'
      case 'spawned':
        own({ process: outcome.process, logMark: mark, startedMs }, spec)
        return 'running'
    }
  }

  /** A core killed between spawn and ledger leaves a child that we can recognize only by its command line. */
  const takeOverOrRefuse = async (owner: ForeignProcess, spec: LaunchSpec): Promise<'running' | 'failed'> => {
    const identity = await provenOurs(owner, spec)
    if (identity === null) {
      const more = (await options.describeForeign?.(owner)) ?? null
      const reason = describePortTaken(service.id, service.port, owner)
      enter('failed', { foreign: owner, reason: more === null ? reason : `${reason}; ${more}` })
      return 'failed'
    }
    own({ process: adoptProcess(identity, processes), logMark: logBeginning, startedMs: now() }, spec)
    return 'running'
  }

  const provenOurs = async (owner: ForeignProcess, spec: LaunchSpec): Promise<ProcessIdentity | null> => {
    if (owner.pid === null) return null
    const argv = await processes.readArgv(owner.pid)
    return argv !== null && runsArgv(argv, spec.argv) ? processes.readIdentity(owner.pid) : null
  }

  const own = (next: Running, spec: LaunchSpec) => {
    running = next
    ledger.record({
      service: service.id,
      pid: next.process.identity.pid,
      startedAt: next.process.identity.startedAt,
      argv: [...spec.argv],
      profile: options.profileName,
      spawnedAtMs: next.startedMs,
      logMark: next.logMark,
    })
    enter('starting', { waitingFor: 'its first answer' })
  }

  // --- living ----------------------------------------------------------------------------------------------------

  const supervise = async (process: OwnedProcess): Promise<Step> => {
    const exit = process.exited.then((value) => ({ exit: value }))
    // It is alive although the last order failed: a start probes it again.
    if (phase() !== 'starting' && !isServing()) enter('starting', { waitingFor: 'its first answer' })
    while (phase() === 'starting') {
      const probe = service.probe(AbortSignal.timeout(probeTimeoutMs))
      const probed = await unlessWoken<ProbeResult | { exit: ProcessExit }>(probe, exit)
      if (probed === null) return 'woken'
      if ('exit' in probed) return probed
      if (probed.state === 'ready') {
        misses = 0
        enter('ready')
        break
      }
      // Before its port is open it can't report anything, so `unreachable` is no news.
      const news = probed.state === 'loading' && detail().waitingFor !== probed.detail
      if (news) enter('starting', { waitingFor: probed.detail })
      const waited = await unlessWoken<undefined | { exit: ProcessExit }>(pause(startProbeMs), exit)
      if (waited === null) return 'woken'
      if (waited !== undefined) return waited
    }
    return (await unlessWoken(exit)) ?? 'woken'
  }

  /** True: launch it again, the backoff is over. False: it failed or is no longer wanted. */
  const decideAfterExit = async (exit: ProcessExit, logMark: LogMark): Promise<boolean> => {
    // Another supervisor may have taken over and recorded its own child.
    if (closed) return false
    ledger.forget(service.id)
    const logTail = await log.readSince(logMark, logTailLines)
    // Cleared only now that the next phase is known: `ready` without a process would be a contradiction.
    running = null
    if (desired === 'down' || closed) return false
    const { reason, permanent } = service.explainExit({ ...exit, logTail })
    if (permanent) {
      enter('failed', { reason })
      return false
    }
    crashTimesMs.push(now())
    const decision = decideRestart(policy, crashTimesMs, now(), random)
    if (decision.kind === 'give-up') {
      const minutes = Math.round(decision.windowMs / 60_000)
      enter('failed', {
        reason: `gave up after ${decision.crashes} crashes in ${minutes} minutes: ${reason}`,
      })
      return false
    }
    restarts += 1
    enter('starting', { reason, waitingFor: `a restart in ${(decision.delayMs / 1000).toFixed(1)} s` })
    await unlessWoken(pause(decision.delayMs))
    return true
  }

  // --- ending ----------------------------------------------------------------------------------------------------

  const stopRunning = async (): Promise<'stopped' | 'failed'> => {
    if (running !== null) {
      enter('stopping', { waitingFor: 'the process to end' })
      doomed = running.process
      ledger.markEnding(service.id)
      isEnding = true
      const outcome = await endProcess(running.process, graceOver.promise, processes).finally(() => {
        isEnding = false
      })
      if (outcome.kind === 'still-there') {
        enter('failed', { reason: `pid ${outcome.pids.join(', ')} did not end even after SIGKILL` })
        return 'failed'
      }
      running.process.release()
      running = null
      doomed = null
    }
    if (!closed) ledger.forget(service.id)
    if (desired === 'down') enter('stopped')
    return 'stopped'
  }

  const grantGrace = (graceMs: number) => {
    graceOver = createSignal()
    setTimeout(graceOver.fire, graceMs).unref()
  }

  // --- the loop: the only place that changes what runs ---------------------------------------------------------------

  /** One step towards `desired`; false when there is nothing left to do for the orders so far. */
  const pass = async (): Promise<boolean> => {
    if (desired === 'down') {
      await stopRunning()
      return false
    }
    if (running !== null && running.process === doomed) {
      // Two processes of one service would fight over port and memory.
      grantGrace(unfinishedGraceMs)
      return (await stopRunning()) === 'stopped'
    }
    if (running === null) {
      const launched = await launch()
      if (launched !== 'running') return launched === 'again'
    }
    const child: Running | null = running
    if (child === null) return true
    const step = await supervise(child.process)
    if (step === 'woken') return true
    child.process.release()
    const left = await endLeftovers(child.process.identity.pid, processes)
    if (left.length > 0) {
      running = null
      enter('failed', { reason: `pid ${left.join(', ')} did not end even after SIGKILL` })
      return false
    }
    return decideAfterExit(step.exit, child.logMark)
  }

  const runLoop = async (): Promise<void> => {
    looping = true
    let ordersSeen: number
    let more: boolean
    do {
      ordersSeen = ordersGiven
      wake = createSignal()
      more = await pass().catch((error: unknown) => {
        enter('failed', { reason: messageOf(error) })
        return false
      })
      // No await between this check and `looping = false`, or an order could be lost.
    } while ((more || ordersGiven !== ordersSeen) && !closed)
    looping = false
  }

  const ensureLoop = () => {
    wake.fire()
    if (!looping) void runLoop()
  }

  return {
    state,
    start: () => {
      if (closed || (desired === 'up' && isServing())) return Promise.resolve(state())
      if (desired === 'down' || phase() === 'failed') {
        desired = 'up'
        ordersGiven += 1
        crashTimesMs = []
        restarts = 0
      }
      record.recheck()
      const done = waitUntil(() => isServing() || phase() === 'failed' || desired === 'down').then(state)
      ensureLoop()
      return done
    },
    stop: (graceMs) => {
      if (closed) return Promise.resolve(state())
      if ((desired === 'up' && !isEnding) || !looping) graceOver = createSignal()
      desired = 'down'
      ordersGiven += 1
      const timer = setTimeout(graceOver.fire, graceMs)
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
      if (entry.ending === true) {
        grantGrace(unfinishedGraceMs)
        enter('stopping', { waitingFor: 'the process to end' })
        ensureLoop()
        return false
      }
      desired = 'up'
      enter('starting', { waitingFor: 'its first answer' })
      ensureLoop()
      return true
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
      wake.fire()
    },
  }
}

const pause = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, ms, undefined))

const createSignal = () => {
  let fire = () => {}
  const promise = new Promise<null>((resolve) => {
    fire = () => resolve(null)
  })
  return { promise, fire }
}

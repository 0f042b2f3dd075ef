// Kill rounds: acts on a ready stack, which must become ready again with exactly the wanted processes.

import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { presentServices } from '../electron/contract/services.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { messageOf } from '../electron/core/base/error-message.ts'
import { within } from '../electron/core/base/first-of.ts'
import { askHttp } from '../electron/core/base/http-ask.ts'
import { killAll } from './processes.ts'
import { type Action, type ActionReport, actions, mostStaleMs, startCommand } from './storm-actions.ts'
import { type Census, findDuplicate, judgeStack, takeCensus } from './storm-census.ts'
import { onOwnStack, type StormPart, type Traces } from './storm-part.ts'
import { createStormStack, type StormStack } from './storm-stack.ts'

/** After this the stack counts as lost: restarts wait up to 4 s before the fifth crash ends them. */
const recoveryMs = 45_000
/** The core polls an adopted child four times a second: until then, "ready" may be from before the kill. */
const holdMs = 600
const answerMs = 5_000

interface Tally {
  kills: number
  rounds: number
  gaveUp: number
  /** How long a server that no longer answered was still reported as ready. */
  stalestMs: number
  recoveredMs: number[]
}

export const stormKills = async ({ root, seed, size, signal, only, fail }: StormPart): Promise<string> => {
  const onlyRound = only === null ? null : Number(only)
  // No round ends more than six processes, and many end none.
  const drawn = fc.sample(actions, { seed, numRuns: Math.max(size.kills * 2, (onlyRound ?? 0) + 1) })
  const deadline = performance.now() + size.killsMs
  const tally: Tally = { kills: 0, rounds: 0, gaveUp: 0, stalestMs: 0, recoveredMs: [] }
  let next = onlyRound ?? 0
  const isOver = () =>
    signal.aborted ||
    performance.now() > deadline ||
    next >= drawn.length ||
    (onlyRound === null ? tally.kills >= size.kills : next > onlyRound)

  const runLane = async (): Promise<void> => {
    const stack = await createStormStack(root)
    await onOwnStack(stack, fail, async (traces) => {
      await stack.startCore()
      await bringBack(stack, tally)
      while (!isOver()) {
        const index = next
        next += 1
        const action = drawn[index]
        if (action === undefined) break
        const faults = await runRound(stack, action, tally, traces)
        tally.rounds += 1
        if (faults.length > 0) fail(String(index), JSON.stringify(action), ...faults)
      }
    })
  }
  await Promise.all(Array.from({ length: onlyRound === null ? size.lanes : 1 }, runLane))
  return describe(tally)
}

const runRound = async (
  stack: StormStack,
  action: Action,
  tally: Tally,
  traces: Traces,
): Promise<readonly string[]> => {
  const startsBefore = stack.readStarts().length
  const before = takeCensus(stack)
  try {
    const { kills = 0, faults = [], printed = [], onlyKilled } = await action.carryOut(stack)
    tally.kills += kills
    const { seconds, faults: more } = await bringBack(stack, tally)
    tally.recoveredMs.push(seconds * 1000)
    const now = takeCensus(stack)
    return [
      ...faults,
      ...more,
      ...judgeStarts(onlyKilled, before, now, stack.readStarts().slice(startsBefore)),
      ...printed.flatMap((text) => traces.find(text, 'a command printed')),
    ]
  } catch (error) {
    const story = messageOf(error)
    await startAnew(stack)
    return [story]
  }
}

/** A surviving server must not have a second one beside it; a replaced one must have been started at least once. */
const judgeStarts = (
  onlyKilled: ActionReport['onlyKilled'],
  before: Census,
  now: Census,
  starts: ReturnType<StormStack['readStarts']>,
): readonly string[] =>
  [['llamaServer', 'engines'] as const, ['proxy', 'routers'] as const].flatMap(([service, role]) => {
    const started = starts.filter((start) => start.service === service).map(({ pid }) => pid)
    const isSame = before[role].join() === now[role].join()
    if (isSame && started.length > 0)
      return [`${service} lives on, and pid ${started.join(', ')} were started`]
    if (!isSame && started.at(-1) !== now[role][0])
      return [`${service}: pid ${now[role].join(', ')} runs, the last started is ${started.at(-1)}`]
    if (onlyKilled === undefined) return []
    if (!isSame && !onlyKilled.targets.includes(role)) return [`${service} was not killed and is another now`]
    return started.length > onlyKilled.times
      ? [`${service} was killed ${onlyKilled.times} times and started ${started.length} times`]
      : []
  })

interface Recovery {
  readonly seconds: number
  readonly faults: readonly string[]
}

/** Acts as launchd and user: starts a missing core, and orders up failed or stopped services. Throws when it takes too long. */
const bringBack = async (stack: StormStack, tally: Tally): Promise<Recovery> => {
  const began = performance.now()
  const faults: string[] = []
  let census = takeCensus(stack)
  let last: Snapshot | null = null
  let refusal = ''
  while (performance.now() - began < recoveryMs) {
    const now = takeCensus(stack)
    const duplicate = findDuplicate(census, now)
    if (duplicate !== null && !faults.includes(duplicate)) faults.push(duplicate)
    census = now
    if (now.cores.length === 0) await stack.startCore()
    const snapshot = await readOrNull(stack)
    last = snapshot ?? last
    if (snapshot?.overall === 'ready') {
      const readyAt = performance.now()
      if (!(await holds(stack, snapshot))) continue
      const unanswered = await findUnanswered(stack)
      const staleMs = performance.now() - began
      if (unanswered.length > 0 && staleMs < mostStaleMs) {
        tally.stalestMs = Math.max(tally.stalestMs, staleMs)
        continue
      }
      const wrong = await judgeStack(stack)
      return { seconds: (readyAt - began) / 1000, faults: [...faults, ...unanswered, ...wrong] }
    }
    if (snapshot !== null && needsOrder(snapshot)) {
      if (snapshot.services.llamaServer.phase === 'failed' || snapshot.services.proxy.phase === 'failed')
        tally.gaveUp += 1
      const outcome = await answerOf(stack.withCore((core) => core.dispatch(startCommand)))
      refusal = outcome?.accepted === false ? `; the last start was refused: ${outcome.reason}` : ''
    }
    await sleep(100)
  }
  throw new Error(
    `not ready after ${recoveryMs / 1000} s${refusal}; last seen: ${JSON.stringify(outline(last))}`,
  )
}

/** null: none in time, or the core is gone. */
const answerOf = <T>(asked: Promise<T>): Promise<T | null> =>
  within(
    asked.catch(() => null),
    answerMs,
  )

const readOrNull = (stack: StormStack): Promise<Snapshot | null> => answerOf(stack.readSnapshot())

const needsOrder = ({ services, overall }: Snapshot): boolean =>
  overall === 'stopped' ||
  [services.llamaServer, services.proxy].some(({ phase }) => phase === 'failed' || phase === 'stopped')

/** Whether it is still ready, with the same servers, after `holdMs`. */
const holds = async (stack: StormStack, first: Snapshot): Promise<boolean> => {
  await sleep(holdMs)
  const second = await readOrNull(stack)
  return (
    second?.overall === 'ready' &&
    second.services.llamaServer.pid === first.services.llamaServer.pid &&
    second.services.proxy.pid === first.services.proxy.pid
  )
}

const findUnanswered = async (stack: StormStack): Promise<readonly string[]> => {
  const answers = [`${stack.engineUrl}/health`, `${stack.routerUrl}/health/liveliness`].map(async (url) => {
    const asking = { signal: AbortSignal.timeout(answerMs), maxBytes: 0 }
    const answer = await askHttp(url, asking).catch(() => null)
    return answer?.ok === true ? [] : [`ready without an answer at ${url}`]
  })
  return (await Promise.all(answers)).flat()
}

/** After a lost round: removes everything, so that the next one starts fresh. */
const startAnew = async (stack: StormStack): Promise<void> => {
  await killAll(Object.values(takeCensus(stack)).flat())
  await sleep(500)
}

const outline = (snapshot: Snapshot | null) =>
  snapshot && {
    overall: snapshot.overall,
    proofFailure: snapshot.proofFailure,
    services: presentServices(snapshot).map(({ state: { phase, reason, pid, waitingFor } }) => ({
      phase,
      reason,
      pid,
      waitingFor,
    })),
  }

const describe = ({ kills, rounds, gaveUp, stalestMs, recoveredMs }: Tally): string => {
  const sorted = recoveredMs.toSorted((a, b) => a - b)
  const at = (share: number) => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1000).toFixed(1)
  return (
    `${kills} kills in ${rounds} rounds; ready again after ${at(0.5)} s (median), ${at(0.95)} s (95 %), ` +
    `${at(1)} s (slowest); "ready" was said ${(stalestMs / 1000).toFixed(1)} s too long at most; ordered up again ${gaveUp} times after a service had failed`
  )
}

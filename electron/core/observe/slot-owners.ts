// Which request is in which slot. Pure; assigns only where no other assignment is possible.

import type { RouterRequest, Slot } from '../../contract/snapshot.ts'
import type { SlotTask, SlotTasks } from '../engine/llama-slot-tracker.ts'
import type { HeldSlot } from '../router/router-feed.ts'

/** Request id by task id. */
export type SlotOwners = ReadonlyMap<number, string>

/** null: unknown. */
interface Engaged {
  readonly slots: readonly Slot[] | null
  /** What the slots work on. */
  readonly tasks: SlotTasks | null
  /** Of the Router. */
  readonly requests: readonly RouterRequest[] | null
  readonly held: readonly HeldSlot[] | null
}

/**
 * The slots with their owners, and the requests with their progress.
 * @param known the owners returned last
 */
export const placeRequests = ({ slots, tasks, requests, held }: Engaged, known: SlotOwners) => {
  const owners: SlotOwners =
    tasks === null || requests === null ? new Map() : matchSlotOwners(tasks, requests, known)
  const read = tasks ?? { askedAt: 0, tasks: [] }
  return {
    slots: slots && tellOwners(slots, read.tasks, requests ?? [], owners, held),
    requests: requests && refineRequests(slots ?? [], read, requests, owners),
    owners,
  }
}

type Admitted = RouterRequest & { readonly admittedAt: number }

/** A request reaches llama-server about 30 ms after admission, 1.5 s for the first after a start (measured). */
const onTheWayMs = 2_000
/** Two requests admitted closer together than this may reach llama-server in the other order. */
const surelyApartMs = 1_000

/** @param known earlier matches, which hold while both the task and the request exist */
export const matchSlotOwners = (
  { askedAt, tasks }: SlotTasks,
  requests: readonly RouterRequest[],
  known: SlotOwners,
): SlotOwners => {
  const admitted = requests.filter(isAdmitted)
  const owners = new Map<number, string>()
  for (const { taskId } of tasks) {
    const id = known.get(taskId)
    if (id !== undefined && admitted.some((request) => request.id === id)) owners.set(taskId, id)
  }
  const taken = new Set(owners.values())
  const openTasks = tasks.filter(({ taskId }) => !owners.has(taskId)).toSorted((a, b) => a.taskId - b.taskId)
  const open = admitted.filter(({ id }) => !taken.has(id)).toSorted((a, b) => a.admittedAt - b.admittedAt)
  // A request on its way, one queued by llama-server itself, or a client that bypassed the Router would shift every match.
  if (openTasks.length !== open.length) return owners
  if (open.some(({ admittedAt }) => admittedAt > askedAt - onTheWayMs)) return owners
  for (const run of splitRuns(open)) {
    const theirs = openTasks.splice(0, run.length)
    for (const [index, { id, promptTokens }] of run.entries()) {
      const task = isToldByLength(run, theirs)
        ? theirs.find((one) => one.promptTokens === promptTokens)
        : new Set(run.map(({ developer }) => developer)).size === 1
          ? theirs[index]
          : undefined
      if (task !== undefined) owners.set(task.taskId, id)
    }
  }
  return owners
}

/** Past the queue, and not sent to another Studio, which has slots of its own. */
const isAdmitted = (request: RouterRequest): request is Admitted =>
  request.admittedAt !== null && request.node === null

/** Runs of requests too close together for their order to be certain. */
const splitRuns = (open: readonly Admitted[]): readonly (readonly Admitted[])[] => {
  const runs: Admitted[][] = []
  for (const request of open) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (before !== undefined && request.admittedAt - before.admittedAt < surelyApartMs) run?.push(request)
    else runs.push([request])
  }
  return runs
}

/** Whether the length of the prompt tells them all apart; else only requests of one developer are matched, by order. */
const isToldByLength = (run: readonly Admitted[], tasks: readonly SlotTask[]): boolean =>
  run.length > 1 &&
  run.every(
    ({ promptTokens }) =>
      promptTokens !== null &&
      run.filter((other) => other.promptTokens === promptTokens).length === 1 &&
      tasks.filter((task) => task.promptTokens === promptTokens).length === 1,
  )

/**
 * The slots with the developer that each serves. Where the Router pins requests to slots, it knows that by itself, and whose
 * conversation an idle slot holds.
 */
export const tellOwners = (
  slots: readonly Slot[],
  tasks: readonly SlotTask[],
  requests: readonly RouterRequest[],
  owners: SlotOwners,
  held: readonly HeldSlot[] | null,
): Slot[] =>
  slots.map((slot) => {
    const task = tasks.find(({ slotId }) => slotId === slot.id)
    const id = task === undefined ? undefined : owners.get(task.taskId)
    const pinned =
      held === null ? undefined : requests.find((request) => request.slot === slot.id && isAdmitted(request))
    const owner = pinned ?? requests.find((request) => request.id === id)
    const {
      developer = null,
      conversation = null,
      named = false,
    } = held?.find((one) => one.id === slot.id) ?? {}
    return {
      ...slot,
      developer: slot.phase === 'idle' ? null : (owner?.developer ?? null),
      ...(held === null
        ? {}
        : { held: developer === null || conversation === null ? null : { developer, conversation, named } }),
    }
  })

/**
 * Adds what a request's slot shows before the answer ends: the progress of an answer that isn't streamed, and how much of the
 * prompt came from the cache.
 */
export const refineRequests = (
  slots: readonly Slot[],
  { askedAt, tasks }: SlotTasks,
  requests: readonly RouterRequest[],
  owners: SlotOwners,
): RouterRequest[] =>
  requests.map((request) => {
    if (!isAdmitted(request)) return request
    const task = tasks.find(({ taskId }) => owners.get(taskId) === request.id)
    // Before the first token, a pinned request's slot may still show the previous request.
    const isPinned = request.firstTokenAt !== null && request.firstTokenAt <= askedAt
    const slotId = task?.slotId ?? (isPinned ? request.slot : null)
    const slot = slots.find(({ id }) => id === slotId)
    if (slot?.phase !== 'generating') return request
    const { promptTokens, promptProcessed, generatedTokens } = slot
    const found =
      promptTokens === null || promptProcessed === null
        ? {}
        : { cachedTokens: promptTokens - promptProcessed, readTokens: promptProcessed }
    return request.phase === 'prefill'
      ? { ...request, ...found, phase: 'generating', outputTokens: generatedTokens }
      : { ...request, ...found }
  })

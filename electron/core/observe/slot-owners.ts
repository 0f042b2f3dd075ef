// Which request is in which slot. Pure; assigns only where no other assignment is possible.

import type { RouterRequest, Slot } from '../../contract/snapshot.ts'
import type { SlotTask, SlotTasks } from '../engine/llama-slot-tracker.ts'
import type { HeldSlot } from '../router/router-feed.ts'

/** Request id by task id. */
export type SlotOwners = ReadonlyMap<number, string>

export interface Engaged {
  /** null when unknown. */
  readonly slots: readonly Slot[] | null
  /** What the slots work on; null when unknown. */
  readonly tasks: SlotTasks | null
  /** The Router's requests; null when unknown. */
  readonly requests: readonly RouterRequest[] | null
  readonly held: readonly HeldSlot[] | null
}

export interface Placed {
  readonly slots: Slot[] | null
  readonly requests: RouterRequest[] | null
  readonly owners: SlotOwners
}

/**
 * The slots with their owners, and the requests with their progress.
 * @param known the owners returned last
 */
export const placeRequests = ({ slots, tasks, requests, held }: Engaged, known: SlotOwners): Placed => {
  const owners = tasks === null || requests === null ? new Map() : matchSlotOwners(tasks, requests, known)
  const read = tasks ?? { askedAt: 0, tasks: [] }
  return {
    slots: slots && tellHeld(nameSlots(slots, read.tasks, requests ?? [], owners), requests ?? [], held),
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
  let first = 0
  while (first < open.length) {
    const end = endOfRun(open, first)
    for (const [taskId, id] of matchRun(openTasks.slice(first, end), open.slice(first, end)))
      owners.set(taskId, id)
    first = end
  }
  return owners
}

/** Past the queue, and not sent to another Studio, which has slots of its own. */
const isAdmitted = (request: RouterRequest): request is Admitted =>
  request.admittedAt !== null && request.node === null

/** The end (exclusive) of a run of requests too close together for their order to be certain. */
const endOfRun = (open: readonly Admitted[], first: number): number => {
  let end = first + 1
  while (end < open.length) {
    const before = open[end - 1]
    const next = open[end]
    if (before === undefined || next === undefined || next.admittedAt - before.admittedAt >= surelyApartMs)
      break
    end += 1
  }
  return end
}

/** By prompt length if that tells them all apart; else by order, if they all belong to one developer. */
const matchRun = (
  tasks: readonly SlotTask[],
  requests: readonly Admitted[],
): readonly (readonly [number, string])[] => {
  const byLength = requests.map((request) => {
    const fitting = tasks.filter(({ promptTokens }) => promptTokens === request.promptTokens)
    const rivals = requests.filter(({ promptTokens }) => promptTokens === request.promptTokens)
    const task = fitting[0]
    return request.promptTokens !== null && fitting.length === 1 && rivals.length === 1 && task !== undefined
      ? ([task.taskId, request.id] as const)
      : null
  })
  if (requests.length > 1 && byLength.every((pair) => pair !== null)) return byLength
  if (new Set(requests.map(({ developer }) => developer)).size > 1) return []
  return requests.flatMap((request, index) => {
    const task = tasks[index]
    return task === undefined ? [] : [[task.taskId, request.id] as const]
  })
}

/** The slots with the developer that each serves. */
export const nameSlots = (
  slots: readonly Slot[],
  tasks: readonly SlotTask[],
  requests: readonly RouterRequest[],
  owners: SlotOwners,
): Slot[] =>
  slots.map((slot) => {
    const task = tasks.find(({ slotId }) => slotId === slot.id)
    const id = slot.phase === 'idle' || task === undefined ? undefined : owners.get(task.taskId)
    return { ...slot, developer: requests.find((request) => request.id === id)?.developer ?? null }
  })

/** Where the Router pins requests to slots, it knows each slot's developer and whose conversation an idle slot holds. */
export const tellHeld = (
  slots: readonly Slot[],
  requests: readonly RouterRequest[],
  held: readonly HeldSlot[] | null,
): Slot[] =>
  slots.map((slot) => {
    if (held === null) return slot
    const pinned = requests.find((request) => request.slot === slot.id && isAdmitted(request))
    const {
      developer = null,
      conversation = null,
      named = false,
    } = held.find(({ id }) => id === slot.id) ?? {}
    return {
      ...slot,
      developer: slot.phase === 'idle' ? null : (pinned?.developer ?? slot.developer),
      held: developer === null || conversation === null ? null : { developer, conversation, named },
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

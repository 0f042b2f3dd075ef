// The Router's requests and llama-server's slots, brought together: who is in which slot, and how far.
import type { RouterRequest, Slot } from '../../contract/snapshot.ts'
import type { LlamaWatch } from '../engine/llama-watch.ts'
import type { RouterFeed } from '../router/router-feed.ts'
import { matchSlotOwners, nameSlots, refineRequests, type SlotOwners, tellHeld } from './slot-owners.ts'

export interface ServedRequests {
  /** null: llama-server has not answered yet. */
  readonly slots: () => Slot[] | null
  /** null: the Router does not say. */
  readonly requests: () => RouterRequest[] | null
}

export const createServedRequests = (
  watch: Pick<LlamaWatch, 'currentSlots' | 'currentTasks'>,
  feed: Pick<RouterFeed, 'requests' | 'heldSlots'>,
): ServedRequests => {
  let owners: SlotOwners = new Map()
  const look = () => {
    const requests = feed.requests()
    const slots = watch.currentSlots()
    const read = watch.currentTasks()
    owners = read === null || requests === null ? new Map() : matchSlotOwners(read, requests, owners)
    return { slots, requests, read: read ?? { askedAt: 0, tasks: [] } }
  }
  return {
    slots: () => {
      const { slots, requests, read } = look()
      if (slots === null) return null
      return tellHeld(nameSlots(slots, read.tasks, requests ?? [], owners), requests ?? [], feed.heldSlots())
    },
    requests: () => {
      const { slots, requests, read } = look()
      return requests === null ? null : refineRequests(slots ?? [], read, requests, owners)
    },
  }
}

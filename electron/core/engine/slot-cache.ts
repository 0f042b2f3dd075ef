// The profile's prompt cache: whether conversations keep their slots, and where those without a slot wait. Pure.

import type { Profile } from '../../contract/profile.ts'
import { isAdmissionOn } from '../config/kv-sharing.ts'

export interface SlotCache {
  /** llama-server's --slot-save-path and its limits; null: nothing is parked. */
  readonly parked: ParkedCache | null
}

export interface ParkedCache {
  readonly dir: string
  readonly mostBytes: number
  readonly mostAgeSeconds: number
}

const mebibyte = 1_048_576
/** 35 conversations of 20,000 tokens of the studio's model (92,160 B a token with q4_0). */
const defaultParkedCacheMiB = 65_536
/** A conversation left on Friday is still there on Monday. */
const defaultParkedCacheHours = 168

/** Whether the Router names a slot for each request. Needs our own Router, with admission control. */
export const keepsSlots = (profile: Pick<Profile, 'proxy'>): boolean =>
  isAdmissionOn(profile) && profile.proxy.pinConversations !== false

/**
 * The value passed as `--cache-ram`. Requests that name their slot bypass the RAM cache (llama.cpp#28139), and all of the
 * Router's do, so it would take memory and stay empty.
 */
export const effectivePromptCacheMiB = (profile: Pick<Profile, 'llamaServer' | 'proxy'>): number =>
  keepsSlots(profile) ? 0 : profile.llamaServer.promptCacheMiB

/**
 * null: llama-server picks the slots itself, as without a Router.
 * @param dir the state folder's directory for conversations without a slot
 */
export const slotCacheOf = (
  profile: Pick<Profile, 'llamaServer' | 'proxy' | 'ramDisk'>,
  dir: string,
): SlotCache | null => {
  if (!keepsSlots(profile)) return null
  const mebibytes = profile.llamaServer.parkedCacheMiB ?? defaultParkedCacheMiB
  // A RAM disk is small, and lost in the restart that parking is meant to survive.
  const isVolatile = profile.ramDisk.mountPoint !== null && isInside(dir, profile.ramDisk.mountPoint)
  if (mebibytes === 0 || isVolatile) return { parked: null }
  return {
    parked: {
      dir,
      mostBytes: mebibytes * mebibyte,
      mostAgeSeconds: (profile.llamaServer.parkedCacheHours ?? defaultParkedCacheHours) * 3_600,
    },
  }
}

const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)

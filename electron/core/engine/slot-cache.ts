// The prompt cache as the profile wants it: whether conversations keep their slots, and where those without one wait. Pure.

import type { Profile } from '../../contract/profile.ts'
import { isAdmissionOn } from '../config/kv-sharing.ts'

export interface SlotCache {
  /** llama-server's --slot-save-path, and with what limits; null: nothing is parked. */
  readonly parked: ParkedCache | null
}

export interface ParkedCache {
  readonly dir: string
  readonly mostBytes: number
  readonly mostAgeSeconds: number
}

const mebibyte = 1_048_576
/** 35 conversations of 20,000 tokens of the studio's model (92,160 B a token with q4_0). */
export const defaultParkedCacheMiB = 65_536
/** What a developer left on Friday is there on Monday. */
export const defaultParkedCacheHours = 168

/** Whether the Router names a slot for each request: it must be ours, and let requests in one by one. */
export const keepsSlots = (profile: Pick<Profile, 'proxy'>): boolean =>
  isAdmissionOn(profile) && profile.proxy.pinConversations !== false

/**
 * `--cache-ram` as it is passed. A request that names its slot passes the RAM cache by (llama.cpp#28139), and every one of
 * the Router's does: it would take memory and hold nothing.
 */
export const effectivePromptCacheMiB = (profile: Pick<Profile, 'llamaServer' | 'proxy'>): number =>
  keepsSlots(profile) ? 0 : profile.llamaServer.promptCacheMiB

/**
 * null: llama-server picks the slots itself, as it would without a Router.
 * @param dir of the state folder, for conversations without a slot
 */
export const slotCacheOf = (
  profile: Pick<Profile, 'llamaServer' | 'proxy' | 'ramDisk'>,
  dir: string,
): SlotCache | null => {
  if (!keepsSlots(profile)) return null
  const mebibytes = profile.llamaServer.parkedCacheMiB ?? defaultParkedCacheMiB
  // A RAM disk is small, and gone after the restart that this is for.
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

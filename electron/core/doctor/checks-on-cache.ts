// Check on the prompt cache: whether conversations keep their slots, and come back after they had to leave them.
import { doesNotRestoreText, readDoesNotRestore } from '../engine/parked-verdict.ts'
import { keepsSlots, slotCacheOf } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { type CheckSource, ok, type Verdict, warn } from './check.ts'

/**
 * @param doesNotRestore the Router noticed that this llama-server loads the files but restores nothing from them
 * @param fullSlidingCache `--swa-full`: sliding layers keep the whole context
 */
export const judgeParked = (doesNotRestore: boolean, fullSlidingCache: boolean): Verdict => {
  if (!doesNotRestore) return ok('pinned to their slots, and parked in files when they leave them')
  return warn(
    doesNotRestoreText,
    fullSlidingCache
      ? null
      : 'If the model uses sliding-window attention (Gemma), add "--swa-full" to llamaServer.pinnedFlags; it needs more memory (nexus plan). Hybrid models have no such option.',
  )
}

export const checksOnCache: readonly CheckSource[] = [
  {
    id: 'router.conversations',
    title: 'Conversations',
    why: 'rereading a conversation takes a 70B model minutes, every turn',
    read: async ({ chosen: { profile }, folder }) => {
      if (!keepsSlots(profile))
        return profile.proxy.configPath === null
          ? warn(
              'llama-server picks the slots itself: agents that take turns reread their conversations',
              'Remove proxy.pinConversations and proxy.admission from the profile; both are on by default.',
            )
          : null
      return slotCacheOf(profile, folder.parkedDir)?.parked == null
        ? ok('pinned to their slots; parking in files is off (llamaServer.parkedCacheMiB)')
        : judgeParked(readDoesNotRestore(folder), plannedServer(profile.llamaServer).fullSlidingCache)
    },
  },
]

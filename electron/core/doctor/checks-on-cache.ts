// Checks on the prompt cache: whether parked conversations can be restored, and how much disk they use.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../base/format-bytes.ts'
import { doesNotRestoreText, readDoesNotRestore } from '../engine/parked-verdict.ts'
import { keepsSlots, slotCacheOf } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { type CheckSource, type DoctorContext, ok, type Verdict, warn } from './check.ts'

export interface ParkedFacts {
  readonly files: number
  readonly bytes: number
  readonly mostBytes: number
  /** The Router noticed that this llama-server loads the files but restores nothing from them. */
  readonly doesNotRestore: boolean
  /** `--swa-full`: sliding layers keep the whole context. */
  readonly fullSlidingCache: boolean
}

export const judgeParked = (facts: ParkedFacts): Verdict => {
  const parked = `${facts.files} parked in files, ${formatBytes(facts.bytes)} of at most ${formatBytes(facts.mostBytes)}`
  if (!facts.doesNotRestore) return ok(`pinned to their slots; ${parked}`)
  return warn(
    doesNotRestoreText,
    facts.fullSlidingCache
      ? null
      : 'If the model uses sliding-window attention (Gemma), add "--swa-full" to llamaServer.pinnedFlags; it needs more memory (nexus plan). Hybrid models have no such option.',
  )
}

const readParked = async (dir: string): Promise<Pick<ParkedFacts, 'files' | 'bytes'>> => {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith('.kv'))
  // A file may be deleted in the meantime.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(dir, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return { files: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

export const checksOnCache = (context: DoctorContext): readonly CheckSource[] => [
  {
    id: 'router.conversations',
    group: 'Router',
    title: 'Conversations',
    why: 'rereading a conversation takes a 70B model minutes, every turn',
    read: async () => {
      const { profile } = context.chosen
      if (!keepsSlots(profile))
        return profile.proxy.configPath === null
          ? warn(
              'llama-server picks the slots itself: agents that take turns reread their conversations',
              'Remove proxy.pinConversations and proxy.admission from the profile; both are on by default.',
            )
          : null
      const parked = slotCacheOf(profile, context.folder.parkedDir)?.parked ?? null
      if (parked === null)
        return ok('pinned to their slots; parking in files is off (llamaServer.parkedCacheMiB)')
      return judgeParked({
        ...(await readParked(parked.dir)),
        doesNotRestore: readDoesNotRestore(context.folder),
        mostBytes: parked.mostBytes,
        fullSlidingCache: plannedServer(profile.llamaServer).fullSlidingCache,
      })
    },
  },
]

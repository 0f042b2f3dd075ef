// Checks on the prompt cache: whether conversations that left their slots come back, and what they take on disk.
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
  /** The Router found out that this llama-server reads the files and then finds nothing in them. */
  readonly doesNotRestore: boolean
  /** `--swa-full`: sliding layers keep the whole context. */
  readonly fullSlidingCache: boolean
}

export const judgeParked = (facts: ParkedFacts): Verdict => {
  const held = `${facts.files} of them wait in files, ${formatBytes(facts.bytes)} of at most ${formatBytes(facts.mostBytes)}`
  if (!facts.doesNotRestore) return ok(`they keep their slots; ${held}`)
  return warn(
    doesNotRestoreText,
    facts.fullSlidingCache
      ? null
      : 'If its attention slides (Gemma), add "--swa-full" to llamaServer.pinnedFlags, which takes more memory (nexus plan); a hybrid model has no such way.',
  )
}

const readParked = async (dir: string): Promise<Pick<ParkedFacts, 'files' | 'bytes'>> => {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith('.kv'))
  // One that went meanwhile takes nothing.
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
    why: 'a conversation that is read again costs a 70B model minutes, at every turn',
    read: async () => {
      const { profile } = context.chosen
      if (!keepsSlots(profile))
        return profile.proxy.configPath === null
          ? warn(
              'llama-server picks the slots itself: agents that alternate read their conversations again',
              'Leave out proxy.pinConversations and proxy.admission, which are on by default.',
            )
          : null
      const parked = slotCacheOf(profile, context.folder.parkedDir)?.parked ?? null
      if (parked === null)
        return ok('they keep their slots; none waits in a file (llamaServer.parkedCacheMiB)')
      return judgeParked({
        ...(await readParked(parked.dir)),
        doesNotRestore: readDoesNotRestore(context.folder),
        mostBytes: parked.mostBytes,
        fullSlidingCache: plannedServer(profile.llamaServer).fullSlidingCache,
      })
    },
  },
]

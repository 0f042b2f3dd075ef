// Flags that let idle slots keep their cache, and restore a conversation that lost its slot.
import type { Profile } from '../../contract/profile.ts'
import { formatCount, mebibyte } from '../base/format-bytes.ts'
import type { ArgvDraft } from './llama-argv-draft.ts'
import type { LlamaCapabilities } from './llama-help.ts'
import type { SlotCache } from './slot-cache.ts'

/**
 * Measured on b10434 with four agents that share a system prompt: at 10 % similarity llama-server takes the slot of a
 * different conversation, and in one pool each new task clears all idle slots; 6,539 tokens were read, of which 2,124 were new.
 * @param slotCache null: llama-server picks the slots itself
 */
export const planSlotCache = (
  draft: ArgvDraft,
  capabilities: LlamaCapabilities,
  { promptCacheMiB }: Pick<Profile['llamaServer'], 'promptCacheMiB'>,
  slotCache: SlotCache | null,
): void => {
  const usual = capabilities.defaultOf('--cache-ram') ?? 'unknown'
  draft.add(
    ['-cram', '--cache-ram'],
    slotCache === null ? String(promptCacheMiB) : '0',
    slotCache === null
      ? `Prompts kept in host memory may take ${formatCount(promptCacheMiB)} MiB; passed explicitly, because the memory plan does not include the default (${usual} MiB).`
      : `The Router names the slot of each request, and such requests bypass the cache in host memory (llama.cpp#28139): instead of ${usual} MiB that would stay empty, conversations without a slot wait in files (proxy.pinConversations).`,
  )
  if (slotCache === null) return
  draft.addIfListed(
    ['--no-cache-idle-slots'],
    null,
    'Idle slots keep their cache; by default each new task in a pool clears them all, and every agent reads its whole conversation again.',
  )
  draft.addIfListed(
    ['-sps', '--slot-prompt-similarity'],
    '0.9',
    `A request that bypasses the Router reuses a slot only for nearly the same prompt, otherwise the least recently used one; at this build's ${capabilities.defaultOf('-sps') ?? 'default'} a shared system prompt is enough to take another agent's slot.`,
  )
  if (slotCache.parked === null) return
  const { dir, mostBytes, mostAgeSeconds } = slotCache.parked
  draft.add(
    ['--slot-save-path'],
    dir,
    `A conversation that loses its slot, or outlives this process, waits here in a file: at most ${formatCount(Math.round(mostBytes / mebibyte))} MiB in all (llamaServer.parkedCacheMiB) and ${formatCount(Math.round(mostAgeSeconds / 3_600))} h unused (llamaServer.parkedCacheHours); the oldest are deleted first.`,
  )
}

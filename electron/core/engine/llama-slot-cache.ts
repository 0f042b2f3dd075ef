// Flags that let idle slots keep their cache, and restore a conversation that lost its slot.
import type { ArgvDraft, LlamaPlanInput } from './llama-argv.ts'

/**
 * Measured on b10434 with four agents that share a system prompt: at 10 % similarity llama-server takes the slot of a
 * different conversation, and in one pool each new task clears all idle slots; 6,539 tokens were read, of which 2,124 were new.
 */
export const planSlotCache = (
  draft: ArgvDraft,
  { profile, capabilities, slotCache }: Pick<LlamaPlanInput, 'profile' | 'capabilities' | 'slotCache'>,
): void => {
  const usual = capabilities.defaultOf('--cache-ram') ?? 'unknown'
  const keepsSlots = slotCache != null
  draft.add({
    code: 'prompt-cache',
    spellings: ['-cram', '--cache-ram'],
    value: keepsSlots ? '0' : String(profile.promptCacheMiB),
    seed: null,
    reason: keepsSlots
      ? `The Router names the slot of each request, and such requests bypass the cache in host memory (llama.cpp#28139): instead of ${usual} MiB that would stay empty, conversations without a slot wait in files (proxy.pinConversations).`
      : `Prompts kept in host memory may take ${formatCount(profile.promptCacheMiB)} MiB; passed explicitly, because the memory plan does not include the default (${usual} MiB).`,
  })
  if (!keepsSlots) return
  draft.addIfListed({
    code: 'idle-slots',
    spellings: ['--no-cache-idle-slots'],
    value: null,
    seed: null,
    reason:
      'Idle slots keep their cache; by default each new task in a pool clears them all, and every agent reads its whole conversation again.',
  })
  draft.addIfListed({
    code: 'slot-similarity',
    spellings: ['-sps', '--slot-prompt-similarity'],
    value: '0.9',
    seed: null,
    reason: `A request that bypasses the Router reuses a slot only for nearly the same prompt, otherwise the least recently used one; at this build's ${capabilities.defaultOf('-sps') ?? 'default'} a shared system prompt is enough to take another agent's slot.`,
  })
  if (slotCache.parked === null) return
  const { dir, mostBytes, mostAgeSeconds } = slotCache.parked
  draft.add({
    code: 'slot-files',
    spellings: ['--slot-save-path'],
    value: dir,
    seed: null,
    reason: `A conversation that loses its slot, or outlives this process, waits here in a file: at most ${formatCount(Math.round(mostBytes / mebibyte))} MiB in all (llamaServer.parkedCacheMiB) and ${formatCount(Math.round(mostAgeSeconds / 3_600))} h unused (llamaServer.parkedCacheHours); the oldest are deleted first.`,
  })
}

const mebibyte = 1_048_576
const formatCount = (value: number): string => value.toLocaleString('en-US')

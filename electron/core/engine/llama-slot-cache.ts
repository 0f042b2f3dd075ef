// The flags by which idle slots keep what they hold, and a conversation that leaves one can be brought back.
import type { ArgvDraft, LlamaPlanInput } from './llama-argv.ts'

/**
 * Measured on b10434 with four agents that share a system prompt: from 10 % of likeness on llama-server takes the slot of
 * another conversation, and in one pool each new task clears all idle slots; 6,539 tokens were read where 2,124 were new.
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
      ? `The Router names the slot of each request, and such a request passes the cache in host memory by (llama.cpp#28139): instead of ${usual} MiB that would hold nothing, conversations without a slot wait in files (proxy.pinConversations).`
      : `Prompts kept in host memory may take ${formatCount(profile.promptCacheMiB)} MiB; said outright, because the default (${usual} MiB) is in no memory plan.`,
  })
  if (!keepsSlots) return
  draft.addIfListed({
    code: 'idle-slots',
    spellings: ['--no-cache-idle-slots'],
    value: null,
    seed: null,
    reason:
      'Idle slots keep what they hold; by default each new task of one pool clears them all, and an agent reads its whole conversation again.',
  })
  draft.addIfListed({
    code: 'slot-similarity',
    spellings: ['-sps', '--slot-prompt-similarity'],
    value: '0.9',
    seed: null,
    reason: `A request that comes past the Router takes a slot only for nearly the same prompt, else the one used longest ago; at this build's ${capabilities.defaultOf('-sps') ?? 'default'} a shared system prompt is enough to take another agent's.`,
  })
  if (slotCache.parked === null) return
  const { dir, mostBytes, mostAgeSeconds } = slotCache.parked
  draft.add({
    code: 'slot-files',
    spellings: ['--slot-save-path'],
    value: dir,
    seed: null,
    reason: `A conversation that must leave its slot, or outlive this process, waits here in a file: at most ${formatCount(Math.round(mostBytes / mebibyte))} MiB in all (llamaServer.parkedCacheMiB) and ${formatCount(Math.round(mostAgeSeconds / 3_600))} h unused (llamaServer.parkedCacheHours), the oldest out first.`,
  })
}

const mebibyte = 1_048_576
const formatCount = (value: number): string => value.toLocaleString('en-US')

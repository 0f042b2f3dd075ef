// What to change when a plan doesn't fit, in numbers; each suggestion is tried before it is offered.
import type { LargestContext, Suggestion } from '../../contract/memory-plan.ts'
import { formatBytes, formatCount, gibibyte, mebibyte } from '../base/format-bytes.ts'
import { findLargestContext } from './largest-context.ts'
import { judgeTally, type PlanInput, tallyPlan } from './tally.ts'

function propose(
  input: PlanInput,
  id: Suggestion['id'],
  changes: Partial<PlanInput>,
  say: string,
): readonly Suggestion[] {
  const now = tallyPlan(input)
  const after = tallyPlan({ ...input, ...changes })
  const savesBytes = now.totalBytes - after.totalBytes
  if (savesBytes <= 0) return []
  return [
    {
      id,
      text: `${say}: ${formatBytes(savesBytes)} less`,
      savesBytes,
      isEnough: judgeTally(after, input.machine) === 'fits',
    },
  ]
}

function suggestDraft(input: PlanInput): readonly Suggestion[] {
  if (input.draft === null) return []
  const server = { ...input.server, draftCacheTypeK: 'q4_0', draftCacheTypeV: 'q4_0' } as const
  return [
    ...propose(
      input,
      'draft-kv-q4_0',
      { server },
      "q4_0 for the draft's KV cache (--spec-draft-type-k/-v q4_0)",
    ),
    ...propose(
      input,
      'no-draft',
      { draft: null },
      'no draft model; --spec-type ngram-mod drafts without one',
    ),
  ]
}

function suggestContext(input: PlanInput, largest: LargestContext | null): readonly Suggestion[] {
  const { unifiedKv, contextTokens } = input.server
  if (largest === null || largest.contextTokens >= contextTokens) return []
  const server = { ...input.server, contextTokens: largest.contextTokens }
  const each = formatCount(largest.tokensPerAgent)
  return unifiedKv
    ? propose(
        input,
        'smaller-pool',
        { server },
        `a pool of ${formatCount(largest.contextTokens)} tokens, up to ${each} for an agent`,
      )
    : propose(
        input,
        'smaller-split',
        { server },
        `-c ${largest.contextTokens}, ${each} tokens for each agent`,
      )
}

/** In whole GiB, as people size RAM disks. Offered only if at least half of the requested size remains. */
function suggestRamDisk(input: PlanInput): readonly Suggestion[] {
  const overBytes = tallyPlan(input).totalBytes - input.machine.totalBytes
  const ramDiskBytes = Math.floor((input.ramDiskBytes - overBytes) / gibibyte) * gibibyte
  if (overBytes <= 0 || ramDiskBytes < input.ramDiskBytes / 2) return []
  return propose(
    input,
    'smaller-ram-disk',
    { ramDiskBytes },
    `a Build Forge of ${ramDiskBytes / gibibyte} GiB`,
  )
}

function suggestPromptCache(input: PlanInput): readonly Suggestion[] {
  const server = { ...input.server, promptCacheBytes: 0 }
  return propose(input, 'smaller-prompt-cache', { server }, 'no prompt cache (--cache-ram 0)')
}

/** Needs root, so the command is only printed. The setting lasts until the next reboot. */
function suggestGpuLimit(input: PlanInput): readonly Suggestion[] {
  const { gpuBytes, withoutLinkerBytes } = tallyPlan(input)
  const { gpuLimitBytes, totalBytes } = input.machine
  if (gpuLimitBytes === null || gpuBytes <= gpuLimitBytes || withoutLinkerBytes > totalBytes) return []
  const limitMiB = Math.ceil(gpuBytes / mebibyte)
  const raised = { ...input, machine: { totalBytes, gpuLimitBytes: limitMiB * mebibyte } }
  return [
    {
      id: 'gpu-limit',
      text: `let the GPU wire more: sudo sysctl iogpu.wired_limit_mb=${limitMiB}`,
      savesBytes: 0,
      isEnough: judgeTally(tallyPlan(raised), raised.machine) === 'fits',
    },
  ]
}

export function suggestChanges(input: PlanInput): readonly Suggestion[] {
  const tally = tallyPlan(input)
  const verdict = judgeTally(tally, input.machine)
  // A draft's f16 cache is worth mentioning even when everything fits: it can be larger than the draft itself.
  if (verdict === 'fits') return suggestDraft(input).filter((suggestion) => suggestion.id === 'draft-kv-q4_0')
  const isHostTight = tally.totalBytes > input.machine.totalBytes
  return [
    ...suggestDraft(input),
    ...suggestContext(input, findLargestContext(input, input.server.unifiedKv)),
    ...(isHostTight ? [...suggestRamDisk(input), ...suggestPromptCache(input)] : []),
    ...suggestGpuLimit(input),
  ]
}

// Will it fit? Computes the whole plan from headers and settings before anything starts. Pure.

import type { AgentsShare, LargestContext, MemoryPlan } from '../../contract/memory-plan.ts'
import { formatBytes, formatCount } from '../base/format-bytes.ts'
import { cellRules, countCells } from './kv-cache.ts'
import { findLargestContext, headroomShare } from './largest-context.ts'
import { listPlanLines } from './plan-lines.ts'
import { suggestChanges } from './plan-suggestions.ts'
import type { SeedMap } from './reserves.ts'
import { judgeTally, type PlanInput, type Tally, tallyPlan } from './tally.ts'

const swapRule =
  'build artifacts must never be swapped, so all lines together must stay within physical memory'
const poolPrice =
  'when the pool is full, every running request fails at once ("Context size has been exceeded.")'
const poolGuard =
  'the Router keeps them under that: a request waits until there is room. How much attention over one pool slows down Metal has not been measured'

const sayPool = ({ server, whyNoPool }: PlanInput): string => {
  if (server.unifiedKv) return `; ${whyNoPool === null ? poolGuard : poolPrice}`
  return whyNoPool === null ? '' : `; one pool would let each grow further, but ${whyNoPool}`
}

function explain(input: PlanInput, tally: Tally): readonly string[] {
  const { totalBytes, gpuLimitBytes, gpuLimitIsEstimate = false } = input.machine
  // If a part is uncounted the sums are lower bounds: they can show "over" but never "to spare" (issue 16).
  const isWhole = tally.uncounted === null
  const sum = (bytes: number): string => (isWhole ? formatBytes(bytes) : `at least ${formatBytes(bytes)}`)
  const over = (bytes: number, limit: number): string => {
    if (bytes > limit) return `, ${formatBytes(bytes - limit)} over`
    return isWhole ? `, ${formatBytes(limit - bytes)} to spare` : ''
  }
  const without =
    tally.totalBytes > totalBytes
      ? [
          `without the linker reserve: ${sum(tally.withoutLinkerBytes)}${over(tally.withoutLinkerBytes, totalBytes)}`,
        ]
      : []
  return [
    `physical memory: ${sum(tally.totalBytes)} of ${formatBytes(totalBytes)}${over(tally.totalBytes, totalBytes)}`,
    ...without,
    gpuLimitBytes === null
      ? `GPU working set: ${sum(tally.gpuBytes)}; the limit is unknown`
      : `GPU working set: ${sum(tally.gpuBytes)} of ${gpuLimitIsEstimate ? '~' : ''}${formatBytes(gpuLimitBytes)}${over(tally.gpuBytes, gpuLimitBytes)}${gpuLimitIsEstimate ? " (Metal's usual default, an estimate)" : ''}`,
  ]
}

/** Suggests the largest split instead of an unguarded pool, because a full pool fails every request. */
function warnOfPool(why: string, split: LargestContext | null): string {
  const instead =
    split === null
      ? ''
      : `; the largest split that fits is -c ${split.contextTokens}, ${formatCount(split.tokensPerAgent)} tokens each`
  return `nothing keeps the agents within the pool: ${why}${instead}`
}

/** The sums are only as exact as their estimated parts. */
function warnOfEstimates(machine: PlanInput['machine'], tally: Tally): readonly string[] {
  const { totalBytes, gpuLimitBytes, gpuLimitIsEstimate = false } = machine
  const spareBytes = totalBytes - tally.totalBytes
  return [
    ...(gpuLimitIsEstimate && gpuLimitBytes !== null && tally.gpuBytes > gpuLimitBytes
      ? [
          `this may exceed the GPU's limit: Metal's usual default here is ~${formatBytes(gpuLimitBytes)}; only the Mac itself knows (llama-server --list-devices)`,
        ]
      : []),
    ...(spareBytes >= 0 && spareBytes < totalBytes * headroomShare
      ? [`${formatBytes(spareBytes)} to spare is less than the error of the estimates in these sums`]
      : []),
  ]
}

function warn(input: PlanInput, split: LargestContext | null, tally: Tally): readonly string[] {
  const warnings = [input.target, ...(input.draft === null ? [] : [input.draft])].flatMap((model) => {
    if (model.completeness.kind === 'complete') return []
    const what =
      model.completeness.kind === 'header-only' ? 'a header without weights' : 'an incomplete download'
    return [
      `${model.completeness.path} is ${what}: ${formatBytes(model.completeness.missingBytes)} are missing`,
    ]
  })
  if (input.server.unifiedKv && input.whyNoPool !== null) warnings.push(warnOfPool(input.whyNoPool, split))
  return [...warnings, ...warnOfEstimates(input.machine, tally)]
}

/** How much context each agent really gets. */
function shareAmongAgents(input: PlanInput): AgentsShare {
  const { server, target } = input
  const cells = countCells(server, cellRules(target.kv))
  const trainingTokens = target.trainingContextTokens ?? Number.POSITIVE_INFINITY
  const limit = server.slotLimitTokens ?? Number.POSITIVE_INFINITY
  const tokensPerAgent = Math.min(cells.perStream, trainingTokens, limit)
  const agents = server.slots
  const beyond = cells.perStream > trainingTokens && !server.unifiedKv
  if (!server.unifiedKv)
    return {
      mode: 'split',
      agents,
      tokensPerAgent,
      tokensTogether: tokensPerAgent * agents,
      note:
        `each of ${agents} agents gets ${formatCount(tokensPerAgent)} tokens (-c ${formatCount(server.contextTokens)} split)` +
        (beyond ? `; the model was not trained for more, so the rest of -c is wasted` : ''),
    }
  const worst = Math.min(tokensPerAgent, Math.floor(cells.perStream / agents))
  return {
    mode: 'pool',
    agents,
    tokensPerAgent,
    tokensTogether: cells.perStream,
    note:
      `each of ${agents} agents may grow to ${formatCount(tokensPerAgent)} tokens while all together stay under ` +
      `${formatCount(cells.perStream)} (${formatCount(worst)} each when all are full)`,
  }
}

export function planMemory(input: PlanInput, seed: SeedMap | null = null): MemoryPlan {
  const tally = tallyPlan(input)
  const verdict = judgeTally(tally, input.machine)
  const agents = shareAmongAgents(input)
  const split = findLargestContext(input, false)
  return {
    lines: listPlanLines(input, tally, seed),
    totalBytes: tally.totalBytes,
    withoutLinkerBytes: tally.withoutLinkerBytes,
    machineBytes: input.machine.totalBytes,
    gpu: { neededBytes: tally.gpuBytes, limitBytes: input.machine.gpuLimitBytes },
    verdict,
    reasons: explain(input, tally),
    uncounted: tally.uncounted,
    agents: { ...agents, note: `${agents.note}${sayPool(input)}` },
    largest: { split, pool: findLargestContext(input, true) },
    suggestions: suggestChanges(input),
    warnings: warn(input, split, tally),
    swapRule,
    sharedEmbeddingBytes: {
      target: input.target.sharedEmbeddingBytes,
      draft: input.draft?.sharedEmbeddingBytes ?? 0,
    },
  }
}

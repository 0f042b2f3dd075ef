// How much context each agent really gets, in numbers and in words.
import type { AgentsShare } from '../../contract/memory-plan.ts'
import { formatCount } from '../base/format-bytes.ts'
import { cellRules, countCells } from './kv-cache.ts'
import type { PlanInput } from './tally.ts'

export function shareAmongAgents(input: PlanInput): AgentsShare {
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

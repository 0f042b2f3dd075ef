// The context and output limits for Claude Code, so that it never outgrows its slot unnoticed, and the Router's for a pool that all
// slots share: the one source of these numbers for Router and clients.
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { countCells } from '../memory/kv-cache.ts'
import { type PlannedServer, plannedServer } from '../memory/planned-server.ts'

export type ClientLimits = Readonly<ReturnType<typeof clientLimits>>

/** Measured with 2.1.197: its first turn with these settings (four tools, short system prompt). */
export const configuredFirstTurnTokens = 3_400
/** Read in Claude Code 2.1.197: it compacts at window - min(max_output, 20000) - 13000. */
const compactReserveTokens = 13_000
const largestCountedOutputTokens = 20_000

export const compactThreshold = (contextTokens: number, maxOutputTokens: number): number =>
  contextTokens - Math.min(maxOutputTokens, largestCountedOutputTokens) - compactReserveTokens

/**
 * An eighth of the context for the answer: 4,096 of 32,768 worked when measured. Thinking counts as output too, and room
 * for the answer is missing from the conversation.
 * @param trainingContextTokens the model's own limit, from its file; null when unknown
 */
export const clientLimits = (
  llamaServer: Profile['llamaServer'],
  trainingContextTokens: number | null = null,
) => {
  const server = plannedServer(llamaServer)
  const pool = routerPool(server)
  const most = pool?.tokens ?? countCells(server).perStream
  const contextTokens = Math.min(
    most,
    trainingContextTokens ?? Number.POSITIVE_INFINITY,
    server.slotLimitTokens ?? Number.POSITIVE_INFINITY,
  )
  const eighth = Math.floor(contextTokens / 8 / 256) * 256
  const granted = Math.min(contextTokens, pool?.answerTokens ?? Number.POSITIVE_INFINITY)
  const maxOutputTokens = Math.min(Math.max(eighth, 1_024), largestCountedOutputTokens, granted)
  const threshold = compactThreshold(contextTokens, maxOutputTokens)
  return {
    /** One agent's context: its slot, or what the Router admits to a pool. */
    contextTokens,
    maxOutputTokens,
    /** Where Claude Code compacts by itself; null: the slot is too small for that. */
    compactAtTokens: threshold > configuredFirstTurnTokens ? threshold : null,
  }
}

/** null when Claude Code has room; else a one-sentence warning. */
export const limitsWarning = (limits: ClientLimits): string | null => {
  const { contextTokens, compactAtTokens } = limits
  if (compactAtTokens !== null) return null
  return `each agent has ${formatCount(contextTokens)} tokens, too few for Claude Code to compact by itself (it keeps ${formatCount(compactReserveTokens)} free): only short tasks fit; use fewer slots or a larger contextTokens`
}

/** Margin for our own messages, drafted tokens, and the difference between LiteLLM's rendering and the count. */
const marginTokens = 512
/** As a part of a slot's share of the pool: with more, four long prompts would wait for each other's answers. */
const answerShare = 4

/** The part of the context kept for an answer: with less, the model would be cut off in its first sentences. */
export const keptForAnswerShare = 16

/** null: each slot has its own share. */
export const routerPool = (server: Pick<PlannedServer, 'contextTokens' | 'slots' | 'unifiedKv'>) => {
  if (!server.unifiedKv) return null
  // What all requests together may hold, and so the most for one request.
  const tokens = Math.max(1, server.contextTokens - marginTokens)
  // `answerTokens`: the longest answer; that much is reserved while a request runs.
  return { tokens, answerTokens: Math.max(1, Math.floor(tokens / server.slots / answerShare)) }
}

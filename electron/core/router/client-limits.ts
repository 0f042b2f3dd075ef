// The context and output limits for Claude Code, so that it never outgrows its slot unnoticed.
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { countCells } from '../memory/kv-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { routerPool } from './router-pool.ts'

export type ClientLimits = Readonly<ReturnType<typeof clientLimits>>

/** Measured with 2.1.197: its first turn with these settings (four tools, short system prompt). */
export const firstTurnTokens = 3_400
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
    compactAtTokens: threshold > firstTurnTokens ? threshold : null,
  }
}

/** null when Claude Code has room; else a one-sentence warning. */
export const limitsWarning = (limits: ClientLimits): string | null => {
  const { contextTokens, compactAtTokens } = limits
  if (compactAtTokens !== null) return null
  return `each agent has ${formatCount(contextTokens)} tokens, too few for Claude Code to compact by itself (it keeps ${formatCount(compactReserveTokens)} free): only short tasks fit; use fewer slots or a larger contextTokens`
}

// What the Router grants of a pool that all slots share: the one place for these numbers, which Router and clients are told.
import type { PlannedServer } from '../memory/planned-server.ts'

export interface RouterPool {
  /** What all requests together may hold, and so the most that one may. */
  readonly tokens: number
  /** How long one answer may become: what it might need is reserved for as long as it runs. */
  readonly answerTokens: number
}

/** For our own messages, drafted tokens, and the difference between what LiteLLM renders and what was counted. */
const marginTokens = 512
/** Of a slot's share of the pool: with more, four long prompts would wait for each other's answers. */
const answerShare = 4

/** Of the context, what is kept for an answer: with less the model would be cut off in its first sentences. */
export const keptForAnswerShare = 16

/** null: each slot has a share of its own. */
export const routerPool = (
  server: Pick<PlannedServer, 'contextTokens' | 'slots' | 'unifiedKv'>,
): RouterPool | null => {
  if (!server.unifiedKv) return null
  const tokens = Math.max(1, server.contextTokens - marginTokens)
  return { tokens, answerTokens: Math.max(1, Math.floor(tokens / server.slots / answerShare)) }
}

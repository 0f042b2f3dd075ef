// The Router's limits for a pool that all slots share: the one source of these numbers for Router and clients.
import type { PlannedServer } from '../memory/planned-server.ts'

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

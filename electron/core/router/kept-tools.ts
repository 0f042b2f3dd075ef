// Which of Claude Code's tools reach the model. Pure.
import type { Profile } from '../../contract/profile.ts'
import type { ClientLimits } from './client-limits.ts'

/** The tools a coding agent needs, including the only way out of plan mode in a terminal. */
const codingTools = ['Bash', 'Edit', 'Read', 'Write', 'ExitPlanMode'] as const

/** Name prefix of MCP servers' tools; they are never left out. */
export const mcpPrefix = 'mcp__'

/**
 * The tools to keep besides those of MCP servers; null: all. Includes `Agent` if a subagent gets a slot besides its parent's,
 * and the slot is large enough for Claude Code. resources/opta_kept_tools.py removes the others.
 */
export const keptTools = (
  proxy: Pick<Profile['proxy'], 'tools'>,
  { compactAtTokens }: Pick<ClientLimits, 'compactAtTokens'>,
  slots: number,
): readonly string[] | null => {
  if (proxy.tools !== undefined) return proxy.tools
  return slots > 1 && compactAtTokens !== null ? [...codingTools, 'Agent'] : codingTools
}

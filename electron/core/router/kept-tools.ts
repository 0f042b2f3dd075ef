// Which of Claude Code's tools reach the model. Pure.
import type { Profile } from '../../contract/profile.ts'
import type { ClientLimits } from './client-limits.ts'

/** What a coding agent works with, and in a terminal the only way out of plan mode. */
const codingTools = ['Bash', 'Edit', 'Read', 'Write', 'ExitPlanMode'] as const

/** Tools of an MCP server have names that begin so; they are never left out. */
export const mcpPrefix = 'mcp__'

/**
 * The tools besides those of MCP servers; null: all. `Agent` is one of them where a subagent has a slot besides its
 * parent's, and where that slot is large enough for Claude Code to work in. resources/opta_kept_tools.py leaves the others out.
 */
export const keptTools = (
  proxy: Pick<Profile['proxy'], 'tools'>,
  { compactAtTokens }: Pick<ClientLimits, 'compactAtTokens'>,
  slots: number,
): readonly string[] | null => {
  if (proxy.tools !== undefined) return proxy.tools
  return slots > 1 && compactAtTokens !== null ? [...codingTools, 'Agent'] : codingTools
}

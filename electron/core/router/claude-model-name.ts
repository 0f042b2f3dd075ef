// The model name for Claude Code. Pure.
import type { Profile } from '../../contract/profile.ts'

/**
 * Claude Code decides by the model's NAME what it sends (measured): it assumes 200,000 tokens for a name that starts with
 * `claude-`, whatever its settings say, and a name that contains `claude-3-` gets no thinking, no effort and no system messages
 * in mid-conversation, each of which breaks R1-Distill's template.
 */
const measuredModelName = 'opta-claude-3-r1'

/** Whether a name has both measured properties. */
export const isMeasuredName = (name: string): boolean =>
  !name.startsWith('claude-') && name.includes('claude-3-')

/** Keeps the user's own name if Claude Code would believe its context limit. */
export const claudeModelName = ({ modelName }: Pick<Profile['proxy'], 'modelName'>): string =>
  modelName.startsWith('claude-') ? measuredModelName : modelName

// The model's name that Claude Code is given. Pure.
import type { Profile } from '../../contract/profile.ts'

/**
 * Claude Code decides by the model's NAME what it sends (measured): one that starts with `claude-` is taken to have
 * 200,000 tokens whatever it is told, and one that contains `claude-3-` gets neither thinking nor effort nor system
 * messages in the middle of the conversation, none of which R1-Distill's template survives.
 */
const measuredModelName = 'opta-claude-3-r1'

/** Whether a model's name has both of the properties that were measured. */
export const isMeasuredName = (name: string): boolean =>
  !name.startsWith('claude-') && name.includes('claude-3-')

/** A name of the user's own is kept where its context limit would be believed. */
export const claudeModelName = ({ modelName }: Pick<Profile['proxy'], 'modelName'>): string =>
  modelName.startsWith('claude-') ? measuredModelName : modelName

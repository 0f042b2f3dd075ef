// The file's text: what an agent on this machine must know. Pure.
import { serviceNames } from '../../contract/service-ids.ts'
import { formatBytes } from '../../wording/figures.ts'
import { formatCount } from '../base/format-bytes.ts'
import type { AgentsFacts, PrefillSpeed } from './agents-facts.ts'

export const agentsText = (facts: AgentsFacts, prefill: PrefillSpeed | null): string => {
  const { agents, forge, profileName } = facts
  return [
    '## The machine you work on (Opta Nexus)',
    '',
    `You are answered by a local model (${facts.model}) at ${facts.baseUrl}, shared with other agents. These limits are`,
    `physical: they follow from how the machine is set up (profile ${profileName}). \`nexus status\` shows what runs now.`,
    ...(facts.machine === null ? [] : [`The machine: ${facts.machine}.`]),
    '',
    `- **${agents === 1 ? 'One agent' : `${agents} agents`} at once.** ${waiting(agents, facts.queueLimit)}`,
    `- **${context(facts)}`,
    `- **Reading takes time.** ${reading(prefill)}`,
    ...(facts.keepsSlots ? session(prefill) : []),
    "- **A pause is normal.** While another agent's prompt is read, your answer may stand still for a while.",
    ...tools(facts),
    `- **Builds go to the ${serviceNames.ramDisk}**, a RAM disk of ${formatBytes(forge.sizeMiB * 2 ** 20)} at \`${forge.mountPoint}\`: cargo's \`build-dir\``,
    '  (`nexus forge enable` in a project). It is empty after a reboot; sources and final binaries stay on the disk.',
    `  "No such file or directory" below it: the RAM disk is gone, \`nexus up --only ramDisk\` brings it back.`,
    '',
    'Do not:',
    '',
    facts.tools?.includes('Agent') === false
      ? '- start further agents or subagents to go faster: each takes a slot that others wait for;'
      : `- have more than ${Math.max(1, agents - 1)} subagents work at once: each takes a slot that others wait for;`,
    '- cancel or repeat a request because there is no output yet;',
    '- set `CARGO_TARGET_DIR` to one folder for several projects: their builds then wait for one lock;',
    `- keep anything on the ${serviceNames.ramDisk} that cannot be built again;`,
    '- stop or start llama-server, LiteLLM or `nexus` itself, or end processes by name: others are working.',
  ].join('\n')
}

const waiting = (agents: number, queueLimit: number | null): string => {
  const wait = `The ${ordinal(agents + 1)} waits for a free slot: no output comes, maybe for minutes. That is not an error; the answer will come.`
  return queueLimit === null
    ? wait
    : `${wait} When ${queueLimit} wait, the next is refused as overloaded (529). With this machine's settings Claude Code retries by itself; with "opus" in the model name it gives up after the third refusal.`
}

const ordinal = (count: number): string => {
  const tens = count % 100
  if (tens >= 11 && tens <= 13) return `${count}th`
  return `${count}${['th', 'st', 'nd', 'rd'][count % 10] ?? 'th'}`
}

const context = ({ tokensPerAgent, pooled, compactAtTokens }: AgentsFacts): string => {
  const tokens = `${formatCount(tokensPerAgent)} tokens of context**`
  const shared = pooled
    ? ', in one pool with the others: tokens that one agent holds are unavailable to the rest'
    : ''
  const compact =
    compactAtTokens === null
      ? ' That is little: work in short steps, and begin a new conversation for each task.'
      : ` The conversation is summarised at about ${formatCount(compactAtTokens)}.`
  return `${tokens}, question and answer together${shared}.${compact}`
}

const tools = ({ tools: kept }: AgentsFacts): readonly string[] =>
  kept === null
    ? []
    : [
        `- **Your tools are ${kept.join(', ')}**, and those of MCP servers. The Router leaves other tools of Claude Code out.`,
      ]

const exampleTokens = 10_000

const reading = (prefill: PrefillSpeed | null): string => {
  const advice =
    'Text that was read is not read again while the start of the conversation stays unchanged. Search first, then read the parts you need; do not read whole trees.'
  if (prefill === null)
    return `The model reads the whole prompt before its first word, and a longer prompt takes longer. ${advice}`
  const perSecond = Number(prefill.tokensPerSecond.toPrecision(2))
  return `The model reads the whole prompt before its first word: about ${formatCount(perSecond)} tokens a second here (median of ${prefill.prompts} ${prefill.prompts === 1 ? 'prompt' : 'prompts'}), so ${formatCount(exampleTokens)} tokens take about ${formatDuration(exampleTokens / prefill.tokensPerSecond)}. ${advice}`
}

const session = (prefill: PrefillSpeed | null): readonly string[] => {
  const price =
    prefill === null
      ? ''
      : `, about ${formatDuration(exampleTokens / prefill.tokensPerSecond)} for ${formatCount(exampleTokens)} tokens`
  return [
    '- **A session keeps its slot.** Claude Code names its session with each request (`x-claude-code-session-id`): its next turn reads only what is new. Other clients are recognised by the start of their conversation.',
    `  A session that loses its slot (restarted, cleared, its start rewritten) is read again${price}: avoid that.`,
  ]
}

const formatDuration = (seconds: number): string => {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  return `${Math.round(seconds / 60)} min`
}

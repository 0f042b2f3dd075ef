// The facts in the agents' file: the profile in numbers that an agent can act on, and how fast this machine reads prompts. Pure.
import { createHash } from 'node:crypto'
import type { Profile } from '../../contract/profile.ts'
import { clientBaseUrl } from '../clients/client-address.ts'
import { parseLlamaLogLine } from '../engine/llama-log.ts'
import { keepsSlots } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { clientLimits } from '../router/client-limits.ts'
import { keptTools } from '../router/kept-tools.ts'
import { queueLimit } from '../router/litellm-router-settings.ts'

export type AgentsFacts = ReturnType<typeof agentsFacts>

export const agentsFacts = (
  profileName: string,
  profile: Profile,
  machine: {
    /** Model, chip, cores, memory and system, in one line; null: unknown. */
    readonly identity: string | null
    readonly mountPoint: string
    readonly lanAddresses: readonly string[]
    readonly trainingContextTokens: number | null
  },
) => {
  const { llamaServer, proxy, nodes = [] } = profile
  const server = plannedServer(llamaServer)
  const limits = clientLimits(llamaServer, machine.trainingContextTokens)
  return {
    machine: machine.identity,
    profileName,
    model: llamaServer.alias,
    // Includes other Studios: the Router sends each request to a free slot on any of them.
    agents: nodes.reduce((sum, node) => sum + node.slots, server.slots),
    tokensPerAgent: limits.contextTokens,
    /** All agents share one pool, so one agent's tokens are unavailable to the others. */
    pooled: server.unifiedKv,
    /** A conversation keeps its slot, so its next turn reads only new text. */
    keepsSlots: keepsSlots(profile),
    /** null: no room for Claude Code to summarise. */
    compactAtTokens: limits.compactAtTokens,
    /** How many may wait before the Router refuses; null: no limit. */
    queueLimit: queueLimit(profile),
    /** Claude Code's tools that reach the model, without MCP tools; null: all. */
    tools: proxy.configPath === null ? keptTools(proxy, limits, server.slots) : null,
    baseUrl: clientBaseUrl(proxy, machine.lanAddresses),
    forge: { mountPoint: machine.mountPoint, sizeMiB: profile.ramDisk.sizeMiB },
  }
}

/** Raised when the wording changes. */
const textVersion = 5

/**
 * Identifies the text's facts. Includes whether the prefill speed is known, but not its value: a file in a repository must not
 * change with every measurement.
 */
export const nameFacts = (facts: AgentsFacts, prefill: PrefillSpeed | null): string => {
  const text = JSON.stringify([textVersion, facts])
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${hash}${prefill === null ? '' : '+prefill'}`
}

/** Whether a text made from `named` is still correct and complete. */
export const saysTheSame = (named: string, now: string): boolean =>
  named === now || named === `${now}+prefill`

export type PrefillSpeed = NonNullable<ReturnType<typeof readPrefillSpeed>>

/** Shorter prompts measure the overhead of a request, not the prefill. */
const shortestPromptTokens = 256
const mostPrompts = 20

/** @param lines the running llama-server's log, oldest first. null: no long prompt yet. `prompts`: how many are behind the median. */
export const readPrefillSpeed = (lines: readonly string[]) => {
  const rates: number[] = []
  for (const line of lines) {
    const event = parseLlamaLogLine(line)
    // An earlier process may have had another model.
    if (event?.kind === 'listening' || event?.kind === 'model-loaded') rates.length = 0
    if (event?.kind !== 'prompt-timing' || event.tokens < shortestPromptTokens) continue
    if (event.milliseconds > 0) rates.push((event.tokens * 1000) / event.milliseconds)
  }
  const sorted = rates.slice(-mostPrompts).toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  return median === undefined ? null : { tokensPerSecond: median, prompts: sorted.length }
}

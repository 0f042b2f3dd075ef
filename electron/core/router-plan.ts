// What the Router does to requests with this profile, in words: every switch, and whether it is on.
import type { Profile } from '../contract.ts'
import { mcpPrefix } from './clients/kept-tools.ts'
import { formatCount } from './memory-plan/format-bytes.ts'
import { routerSettings } from './services/litellm-router-settings.ts'

export interface RouterBehaviour {
  /** The profile's key that switches it. */
  readonly setting: string
  readonly on: boolean
  readonly does: string
}

export const planRouter = (profile: Pick<Profile, 'llamaServer' | 'proxy'>): readonly RouterBehaviour[] => {
  const settings = routerSettings(profile, { proxyDir: '', feedPath: '' })
  const { slots, pool_tokens: pool, queue_limit: most } = settings
  // LiteLLM imports our modules only from the folder of our own config.yaml.
  const isOurs = profile.proxy.configPath === null
  const turn =
    pool === null
      ? `no more than ${slots === 1 ? 'one request is' : `${slots} requests are`} answered at once`
      : `no more than ${slots} requests, and together no more than the ${formatCount(pool)} tokens of the pool, are answered at once`
  return [
    {
      setting: 'proxy.joinSystemMessages',
      on: isOurs && settings.join_system_messages,
      does: "system messages inside a conversation join the system prompt; the model's template would keep only the last",
    },
    {
      setting: 'proxy.dropAttribution',
      on: isOurs && settings.drop_attribution,
      does: "the client's attribution line is left out; it differs in each session, and nothing behind it could be shared",
    },
    {
      setting: 'proxy.keepModelSampling',
      on: isOurs && settings.keep_model_sampling,
      does: "temperature 1, which clients send unasked, does not override the model's own",
    },
    {
      setting: 'proxy.refuseOverlongPrompts',
      on: isOurs && settings.refuse_overlong_prompts,
      does: 'a prompt that does not fit is answered "prompt is too long", on which Claude Code compacts and goes on',
    },
    {
      setting: 'proxy.admission',
      on: isOurs && settings.admission,
      does: `${turn}; up to ${most} more wait their turn (proxy.queueLimit), the next is told that it is too many (529), unless its developer has none waiting`,
    },
    {
      setting: 'proxy.tools',
      on: isOurs && settings.tools !== null,
      does:
        settings.tools === null
          ? 'every tool that a client sends reaches the model'
          : `of ${settings.tools_for_everybody ? "every client's tools" : "Claude Code's own tools"} only ${settings.tools.join(', ')} and those of MCP servers (${mcpPrefix}*) reach the model; the rest is left out`,
    },
    // No mend, so only told where somebody wants it.
    ...(profile.proxy.litellmMetrics === true
      ? [
          {
            setting: 'proxy.litellmMetrics',
            on: isOurs,
            does: "LiteLLM's own metrics for Prometheus are at /metrics/ of its port, for whoever has a key",
          },
        ]
      : []),
  ]
}

// What the Router does to requests with this profile, in words: every switch, and whether it is on.
import type { Profile } from '../../contract/profile.ts'
import { formatCount } from '../base/format-bytes.ts'
import { keepsSlots } from '../engine/slot-cache.ts'
import { mcpPrefix } from './kept-tools.ts'
import { routerSettings } from './litellm-router-settings.ts'

export interface RouterBehaviour {
  /** The profile's key that switches it. */
  readonly setting: string
  readonly on: boolean
  readonly does: string
}

export const planRouter = (profile: Pick<Profile, 'llamaServer' | 'proxy'>): readonly RouterBehaviour[] => {
  const settings = routerSettings(profile, { proxyDir: '', feedPath: '' })
  const { slots, pool_tokens: pool, queue_limit: most } = settings
  const passed = settings.pass_fields ?? []
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
      does: "system messages inside a conversation become user text in their place; the model's template would keep only the last",
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
      setting: 'proxy.mendThinking',
      on: isOurs && settings.mend_thinking,
      does: 'thinking is asked for in the one form that LiteLLM keeps, and turns of thoughts alone are left out',
    },
    {
      setting: 'proxy.mendTools',
      on: isOurs && settings.mend_tools,
      does: "web search is left out, other tools of Anthropic's servers are refused by name, and tools' schemas lose the keywords that llama-server's grammar can't take",
    },
    {
      setting: 'proxy.refuseUnseen',
      on: isOurs && settings.refuse_unseen,
      does: 'an image, PDF or sound that the model can\'t take is answered "Could not process image", on which Claude Code drops it and goes on',
    },
    {
      setting: 'proxy.alwaysStream',
      on: isOurs && settings.always_stream,
      does: 'llama-server streams every answer, so that a client that leaves frees its slot at once, also one that wanted its answer whole',
    },
    {
      setting: 'proxy.maxBodyBytes',
      on: isOurs,
      does: `a request is read only with a good key, and its body up to ${formatCount(settings.max_body_bytes)} bytes; connections without a key are few and end after 10 s`,
    },
    {
      setting: 'proxy.passFields',
      on: isOurs,
      does: `only fields that Anthropic's and OpenAI's APIs have${passed.length === 0 ? '' : `, and ${passed.join(', ')},`} go on; llama-server's own, such as grammar or id_slot, are refused or left out`,
    },
    {
      setting: 'proxy.pinConversations',
      on: isOurs && keepsSlots(profile),
      does: 'each conversation keeps a slot, and waits in a file while it has none, so that its next turn reads only what is new',
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

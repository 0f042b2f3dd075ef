// A description of what the Router does to requests with this profile: every switch, and whether it is on.
import type { Profile } from '../../contract/profile.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { formatCount } from '../base/format-bytes.ts'
import { keepsSlots } from '../engine/slot-cache.ts'
import { mcpPrefix } from './kept-tools.ts'
import { routerSettings } from './litellm-router-settings.ts'

/** One of the Router's switches; `setting` is the profile key. */
export type RouterBehaviour = PlanAnswer['router'][number]

export const planRouter = (profile: Pick<Profile, 'llamaServer' | 'proxy'>): RouterBehaviour[] => {
  const settings = routerSettings(profile, { proxyDir: '', feedPath: '' })
  const { slots, pool_tokens: pool, queue_limit: most } = settings
  const passed = settings.pass_fields ?? []
  // LiteLLM imports our modules only from the folder of our own config.yaml.
  const isOurs = profile.proxy.configPath === null
  const turn =
    pool === null
      ? `answers at most ${slots === 1 ? 'one request' : `${slots} requests`} at once`
      : `answers at most ${slots} requests at once, with at most ${formatCount(pool)} tokens together (the pool)`
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
      does: 'answers a prompt that does not fit with "prompt is too long", upon which Claude Code compacts and continues',
    },
    {
      setting: 'proxy.admission',
      on: isOurs && settings.admission,
      does: `${turn}; up to ${most} more wait (proxy.queueLimit), the next gets 529 unless its developer has none waiting`,
    },
    {
      setting: 'proxy.mendThinking',
      on: isOurs && settings.mend_thinking,
      does: 'requests thinking in the one form that LiteLLM keeps, and drops turns that hold only thoughts',
    },
    {
      setting: 'proxy.mendTools',
      on: isOurs && settings.mend_tools,
      does: "drops web search, refuses other Anthropic server tools by name, and removes schema keywords that llama-server's grammar can't handle",
    },
    {
      setting: 'proxy.refuseUnseen',
      on: isOurs && settings.refuse_unseen,
      does: 'answers an image, PDF or sound that the model can\'t read with "Could not process image", upon which Claude Code drops it and continues',
    },
    {
      setting: 'proxy.alwaysStream',
      on: isOurs && settings.always_stream,
      does: 'llama-server streams every answer, so that any client that leaves frees its slot at once, even one that asked for no stream',
    },
    {
      setting: 'proxy.maxBodyBytes',
      on: isOurs,
      does: `reads a request only with a valid key, and its body up to ${formatCount(settings.max_body_bytes)} bytes; connections without a key are limited and end after 10 s`,
    },
    {
      setting: 'proxy.passFields',
      on: isOurs,
      does: `passes only fields of Anthropic's and OpenAI's APIs${passed.length === 0 ? '' : `, and ${passed.join(', ')}`}; refuses or drops llama-server's own, such as grammar or id_slot`,
    },
    {
      setting: 'proxy.pinConversations',
      on: isOurs && keepsSlots(profile),
      does: 'each conversation keeps a slot, or waits in a file without one, so that its next turn reads only new tokens',
    },
    {
      setting: 'proxy.tools',
      on: isOurs && settings.tools !== null,
      does:
        settings.tools === null
          ? 'every tool that a client sends reaches the model'
          : `of ${settings.tools_for_everybody ? "every client's tools" : "Claude Code's own tools"} only ${settings.tools.join(', ')} and those of MCP servers (${mcpPrefix}*) reach the model`,
    },
    // Not a repair, so only listed when switched on.
    ...(profile.proxy.litellmMetrics === true
      ? [
          {
            setting: 'proxy.litellmMetrics',
            on: isOurs,
            does: "LiteLLM's own metrics for Prometheus are at /metrics/ of its port, for clients with a key",
          },
        ]
      : []),
  ]
}

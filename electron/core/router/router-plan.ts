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
  const does = {
    joinSystemMessages:
      "system messages inside a conversation become user text in their place; the model's template would keep only the last",
    dropAttribution:
      "the client's attribution line is left out; it differs in each session, and nothing behind it could be shared",
    keepModelSampling: "temperature 1, which clients send unasked, does not override the model's own",
    refuseOverlongPrompts:
      'answers a prompt that does not fit with "prompt is too long", upon which Claude Code compacts and continues',
    admission: `${turn}; up to ${most} more wait (proxy.queueLimit), the next gets 529 unless its developer has none waiting`,
    mendThinking:
      'requests thinking in the one form that LiteLLM keeps, and drops turns that hold only thoughts',
    mendTools:
      "drops web search, refuses other Anthropic server tools by name, and removes schema keywords that llama-server's grammar can't handle",
    refuseUnseen:
      'answers an image, PDF or sound that the model can\'t read with "Could not process image", upon which Claude Code drops it and continues',
    alwaysStream:
      'llama-server streams every answer, so that any client that leaves frees its slot at once, even one that asked for no stream',
    maxBodyBytes: `reads a request only with a valid key, and its body up to ${formatCount(settings.max_body_bytes)} bytes; connections without a key are limited and end after 10 s`,
    passFields: `passes only fields of Anthropic's and OpenAI's APIs${passed.length === 0 ? '' : `, and ${passed.join(', ')}`}; refuses or drops llama-server's own, such as grammar or id_slot`,
    pinConversations:
      'each conversation keeps a slot, or waits in a file without one, so that its next turn reads only new tokens',
    tools:
      settings.tools === null
        ? 'every tool that a client sends reaches the model'
        : `of ${settings.tools_for_everybody ? "every client's tools" : "Claude Code's own tools"} only ${settings.tools.join(', ')} and those of MCP servers (${mcpPrefix}*) reach the model`,
    // Not a repair, so only listed when switched on.
    ...(profile.proxy.litellmMetrics === true
      ? {
          litellmMetrics:
            "LiteLLM's own metrics for Prometheus are at /metrics/ of its port, for clients with a key",
        }
      : {}),
  }
  /** The other settings are always on, and so would be a misspelt one. */
  const switches: Readonly<Record<string, boolean>> = {
    joinSystemMessages: settings.join_system_messages,
    dropAttribution: settings.drop_attribution,
    keepModelSampling: settings.keep_model_sampling,
    refuseOverlongPrompts: settings.refuse_overlong_prompts,
    admission: settings.admission,
    mendThinking: settings.mend_thinking,
    mendTools: settings.mend_tools,
    refuseUnseen: settings.refuse_unseen,
    alwaysStream: settings.always_stream,
    pinConversations: keepsSlots(profile),
    tools: settings.tools !== null,
  } satisfies { readonly [Name in keyof typeof does]?: boolean }
  return Object.entries(does).map(([name, text]) => ({
    setting: `proxy.${name}`,
    on: isOurs && switches[name] !== false,
    does: text,
  }))
}

// LiteLLM's config.yaml, generated from the profile: every setting with its reason.

import { Document, isMap, isScalar, type YAMLMap } from 'yaml'
import type { NodeProfile, Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { claudeModelName } from './claude-model-name.ts'
import { clientLimits } from './client-limits.ts'

/** Its limits are those of clients, and of the llama-server of this profile as LiteLLM reaches it. */
export const buildLiteLlmConfig = (profile: Profile) => {
  const { llamaServer, proxy, nodes = [] } = profile
  const { contextTokens, maxOutputTokens } = clientLimits(llamaServer)
  const stop = proxy.stopSequences.length === 0 ? {} : { stop: proxy.stopSequences }
  const parametersOf = (baseUrl: string, keyVariable: string) => ({
    model: `openai/${llamaServer.alias}`,
    api_base: `${baseUrl}/v1`,
    api_key: `os.environ/${keyVariable}`,
    max_retries: 0,
    ...stop,
  })
  const own = parametersOf(localUrl(llamaServer.host, llamaServer.port), 'OPTA_ENGINE_KEY')
  const entriesOf = (name: string) => {
    // "*" has no listed name, so it gets no limits.
    const limits = name === '*' ? {} : { max_input_tokens: contextTokens, max_output_tokens: maxOutputTokens }
    const idOf = (node: NodeProfile | null) => (nodes.length === 0 ? {} : { id: deploymentId(node, name) })
    const infoOf = (node: NodeProfile | null) => ({ ...idOf(node), token_count_framing: 0, ...limits })
    return [
      { model_name: name, litellm_params: own, model_info: infoOf(null) },
      ...nodes.map((node, index) => ({
        model_name: name,
        litellm_params: parametersOf(localUrl(node.host, node.port), nodeKeyVariable(index)),
        model_info: infoOf(node),
      })),
    ]
  }
  return {
    model_list: [...new Set([proxy.modelName, claudeModelName(proxy), '*'])].flatMap(entriesOf),
    router_settings: {
      ...(nodes.length === 0 ? {} : { routing_strategy: 'least-busy' }),
      num_retries: nodes.length,
      disable_cooldowns: true,
    },
    litellm_settings: {
      num_retries: 0,
      request_timeout: proxy.requestTimeoutSeconds,
      drop_params: true,
      use_chat_completions_url_for_anthropic_messages: true,
      callbacks: ['opta_router.callback', ...(proxy.litellmMetrics === true ? [metricsCallback] : [])],
      telemetry: false,
    },
    general_settings: {
      master_key: 'os.environ/OPTA_MASTER_KEY',
      custom_auth: 'opta_router.custom_auth',
      cancel_on_disconnect: true,
      disable_spend_logs: true,
      disable_model_info_refresh: true,
    },
  }
}

/** docs.litellm.ai/docs/proxy/prometheus */
const metricsCallback = 'prometheus'

/** Variable that holds the key of the node at this index of the profile's list. */
export const nodeKeyVariable = (index: number): string => `OPTA_NODE_KEY_${index + 1}`

/** LiteLLM wants a unique id for each entry; the Router's modules read the Studio before the `#`, '' for this one. */
const deploymentId = (node: NodeProfile | null, modelName: string): string =>
  `${node?.name ?? ''}#${modelName}`

/** The reason for each setting; measured with LiteLLM 1.106.2 unless noted. The key is the last part of its path. */
const reasons: Readonly<Record<string, string>> = {
  model_list:
    '/v1/models lists the profile\'s name and the name for clients. "*" answers every other name: without settings\nClaude Code asks for names of its own release (claude-opus-4-8, claude-sonnet-5, ...).',
  max_input_tokens: 'The context of one agent, for clients that read it from /v1/models.',
  token_count_framing:
    'LiteLLM counts tokens for a llama-server without /v1/responses/input_tokens, and answers 404 without this line\n(1.108.7); 0 adds nothing to its count.',
  api_key: 'From the environment: no secret is in this file or in the process list.',
  max_retries:
    'The hidden retries of the OpenAI client library: with them a dead llama-server is reported after 5 s, without after 0.05 s.',
  stop: "End marks of the model that its chat template does not stop at. A request's own stop_sequences replace them.",
  'router_settings.num_retries':
    'Alone: clients retry by themselves, and a second retry here would cost two full prefills. With other Studios: each is\ntried once, so that a Studio that dies loses no request whose answer had not begun.',
  id: 'The Studio is named before the #; empty for this one.',
  routing_strategy: 'To the Studio with the fewest requests under way.',
  disable_cooldowns:
    'Alone: resting the only llama-server after a failure would refuse requests after it is back. With other Studios:\nLiteLLM rests one after any 500, even if the request was at fault, and answers 429 when all rest; opta_nodes.py knows\nwhich one is out of service.',
  'litellm_settings.num_retries': 'The same for calls that do not go through the router.',
  request_timeout: 'In seconds; a long prefill behind three other agents is slow, not dead.',
  drop_params:
    'Drops fields that Claude Code sends and llama-server does not know, instead of refusing the request.',
  use_chat_completions_url_for_anthropic_messages:
    'Without it /v1/messages goes to /v1/responses, where a truncated answer arrives as an empty one with end_turn.',
  telemetry: 'Telemetry is off.',
  master_key:
    'The key of the program that supervises this proxy. LiteLLM refuses to start with a well-known one.',
  custom_auth:
    'A key per developer and a clean 401: without a database LiteLLM answers 500 or "No connected db.".',
  callbacks:
    "Repairs what Claude Code sends, refuses what does not fit, admits no more requests than slots, reports live requests.\nprometheus (only with proxy.litellmMetrics): LiteLLM's own metrics at /metrics/, for clients with a key.",
  cancel_on_disconnect:
    'A client that leaves before its answer begins frees the slot; without this, only streams that have begun do.',
  disable_spend_logs: 'Spend logs need a database, and there is none.',
  disable_model_info_refresh:
    'Otherwise it asks llama-server for its models every 5 minutes; those limits are not used here.',
}

const heading = `Generated by Opta Nexus at every start: changes here are lost.
To use a LiteLLM configuration of your own, name its file in the profile: proxy.configPath`

/** The config as YAML text, with the reasons as comments. */
export const renderLiteLlmConfig = (config: ReturnType<typeof buildLiteLlmConfig>): string => {
  // No anchors between the two models: readers of the file should see two plain entries.
  const document = new Document(config, { aliasDuplicateObjects: false })
  document.commentBefore = comment(heading)
  if (isMap(document.contents)) explain(document.contents, '', new Set())
  // Quoted: LiteLLM reads YAML 1.1, where a plain stop sequence such as `no` would be a boolean.
  return document.toString({ lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
}

/** Puts each reason above its setting, once. */
const explain = (map: YAMLMap, parent: string, explained: Set<string>): void => {
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue
    const name = String(key.value)
    const path = `${parent}.${name}`
    const known = reasons[path] === undefined ? name : path
    const reason = reasons[known]
    if (reason !== undefined && !explained.has(known)) {
      key.commentBefore = comment(reason)
      explained.add(known)
    }
    if (isMap(value)) explain(value, name, explained)
    else if (value !== null && typeof value === 'object' && 'items' in value && Array.isArray(value.items)) {
      for (const item of value.items) if (isMap(item)) explain(item, name, explained)
    }
  }
}

const comment = (text: string): string => text.replace(/^/gm, ' ')

// LiteLLM's config.yaml, generated from the profile: every setting with its reason.

import { Document, isMap, isScalar, type YAMLMap } from 'yaml'
import type { NodeProfile, Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'

interface ModelParameters {
  readonly model: string
  readonly api_base: string
  readonly api_key: string
  readonly max_retries: number
  readonly stop?: readonly string[]
}

interface ModelEntry {
  readonly model_name: string
  readonly litellm_params: ModelParameters
  readonly model_info: {
    readonly id?: string
    readonly max_input_tokens?: number
    readonly max_output_tokens?: number
    readonly token_count_framing: number
  }
}

interface LiteLlmConfig {
  readonly model_list: readonly ModelEntry[]
  readonly router_settings: Readonly<Record<string, string | number | boolean>>
  readonly litellm_settings: Readonly<Record<string, string | number | boolean | readonly string[]>>
  readonly general_settings: Readonly<Record<string, string | boolean>>
}

export interface ListedModel {
  /** What clients are told to ask for, besides the profile's own name; the same name is listed once. */
  readonly name: string
  readonly contextTokens: number
  readonly maxOutputTokens: number
}

/** @param engine.engineBaseUrl llama-server as LiteLLM reaches it, without `/v1`, such as http://127.0.0.1:8080 */
export const buildLiteLlmConfig = (
  profile: Profile,
  engine: { readonly engineBaseUrl: string; readonly listed: ListedModel },
): LiteLlmConfig => {
  const { listed } = engine
  const { nodes = [] } = profile
  const { modelName, stopSequences, requestTimeoutSeconds } = profile.proxy
  const parametersOf = (baseUrl: string, keyVariable: string): ModelParameters => ({
    model: `openai/${profile.llamaServer.alias}`,
    api_base: `${baseUrl}/v1`,
    api_key: `os.environ/${keyVariable}`,
    max_retries: 0,
    ...(stopSequences.length === 0 ? {} : { stop: stopSequences }),
  })
  const limits = { max_input_tokens: listed.contextTokens, max_output_tokens: listed.maxOutputTokens }
  const entriesOf = (name: string): readonly ModelEntry[] => {
    const own = parametersOf(engine.engineBaseUrl, 'OPTA_ENGINE_KEY')
    // "*" is listed under no name, so no limits are said of it.
    const info = { token_count_framing: 0, ...(name === '*' ? {} : limits) }
    if (nodes.length === 0) return [{ model_name: name, litellm_params: own, model_info: info }]
    return [
      { model_name: name, litellm_params: own, model_info: { id: deploymentId(null, name), ...info } },
      ...nodes.map((node, index) => ({
        model_name: name,
        litellm_params: parametersOf(localUrl(node.host, node.port), nodeKeyVariable(index)),
        model_info: { id: deploymentId(node, name), ...info },
      })),
    ]
  }
  return {
    model_list: [...new Set([modelName, listed.name, '*'])].flatMap(entriesOf),
    router_settings: {
      ...(nodes.length === 0 ? {} : { routing_strategy: 'least-busy' }),
      num_retries: nodes.length,
      disable_cooldowns: true,
    },
    litellm_settings: {
      num_retries: 0,
      request_timeout: requestTimeoutSeconds,
      drop_params: true,
      use_chat_completions_url_for_anthropic_messages: true,
      callbacks: [
        'opta_router.callback',
        ...(profile.proxy.litellmMetrics === true ? [metricsCallback] : []),
      ],
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

/** Variable that holds the key of the node at this place of the profile's list. */
export const nodeKeyVariable = (index: number): string => `OPTA_NODE_KEY_${index + 1}`

/** LiteLLM wants an id of its own for each entry; the Router's modules read the Studio before the `#`, '' for this one. */
const deploymentId = (node: NodeProfile | null, modelName: string): string =>
  `${node?.name ?? ''}#${modelName}`

/** Why each setting is there; measured with LiteLLM 1.106.2 unless it says otherwise. The key is the last part of its path. */
const reasons: Readonly<Record<string, string>> = {
  model_list:
    'The profile\'s name and the one that clients are told are listed for /v1/models. "*" answers every other: without\nsettings Claude Code asks for names of its own release (claude-opus-4-8, claude-sonnet-5, ...).',
  max_input_tokens: 'What one agent can hold, for clients that look for it in /v1/models.',
  token_count_framing:
    'A llama-server without /v1/responses/input_tokens leaves counting to LiteLLM, which answers 404 without this line\n(1.108.7); 0: nothing is added to its count.',
  api_key: 'From the environment: no secret stands in this file or in the process list.',
  max_retries:
    'The hidden retries of the OpenAI client library: with them a dead llama-server is reported after 5 s, without after 0.05 s.',
  stop: "The model's end marks that its chat template does not stop at. A request's own stop_sequences replace them.",
  'router_settings.num_retries':
    'Alone: clients retry by themselves; twice over, one failure costs two full prefills. With other Studios: each of them\nis tried once, so that one that dies loses no request whose answer had not begun.',
  id: 'Which Studio it is, before the #; nothing stands for this one.',
  routing_strategy: 'To the Studio with the fewest requests under way.',
  disable_cooldowns:
    'Alone: resting the one llama-server after a failure would refuse requests after it is back. With other Studios:\nLiteLLM rests one after any 500, also of a request that was itself at fault, and answers 429 when all rest; which one is\nout of service opta_nodes.py knows.',
  'litellm_settings.num_retries': 'The same for calls that do not go through the router.',
  request_timeout: 'In seconds; a long prefill behind three other agents is slow, not dead.',
  drop_params:
    'Fields that Claude Code sends and llama-server does not know are left out instead of refused.',
  use_chat_completions_url_for_anthropic_messages:
    'Without it /v1/messages goes to /v1/responses, where a truncated answer arrives as an empty one with end_turn.',
  telemetry: 'Nothing of this machine is told to anybody.',
  master_key: 'Of the program that supervises this proxy. LiteLLM refuses to start with a well-known one.',
  custom_auth:
    'A key per developer and a clean 401: without a database LiteLLM answers 500 or "No connected db.".',
  callbacks:
    'Mends what Claude Code sends, answers what does not fit, lets no more in than there are slots, tells who is served.\nprometheus (only with proxy.litellmMetrics): its own metrics at /metrics/, for whoever has a key.',
  cancel_on_disconnect:
    'A client that leaves before its answer began frees the slot; without it only streams that had begun do.',
  disable_spend_logs: 'They are for a database, and there is none.',
  disable_model_info_refresh:
    'Would ask llama-server for its models every 5 minutes; the limits are not used here.',
}

const heading = `Generated by Opta Nexus at every start: changes here are lost.
To use a LiteLLM configuration of your own, name its file in the profile: proxy.configPath`

/** The config as YAML text, with the reasons as comments. */
export const renderLiteLlmConfig = (config: LiteLlmConfig): string => {
  // Anchors would tie the two models together; whoever reads the file should see two plain entries.
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

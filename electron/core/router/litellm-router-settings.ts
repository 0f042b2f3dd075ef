// The settings of the Router's Python modules, from the profile, and the file that they read.

import { join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { isAdmissionOn } from '../config/kv-sharing.ts'
import { engineRecordName } from '../engine/engine-record.ts'
import type { SlotCache } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { clientLimits } from './client-limits.ts'
import { keptTools } from './kept-tools.ts'
import { keptForAnswerShare, routerPool } from './router-pool.ts'
import { toolBookName } from './tool-book.ts'

/** Beside opta_litellm.py: LiteLLM imports from the folder of its config.yaml only. */
export const routerModules = [
  'opta_router.py',
  'opta_access.py',
  'opta_admission.py',
  'opta_body.py',
  'opta_cache.py',
  'opta_connections.py',
  'opta_conversations.py',
  'opta_count.py',
  'opta_ending.py',
  'opta_engine.py',
  'opta_engine_record.py',
  'opta_feed.py',
  'opta_fields.py',
  'opta_gate.py',
  'opta_ghosts.py',
  'opta_kept_tools.py',
  'opta_keys.py',
  'opta_limits.py',
  'opta_nodes.py',
  'opta_parked_files.py',
  'opta_parking.py',
  'opta_prompt.py',
  'opta_replays.py',
  'opta_requests.py',
  'opta_schemas.py',
  'opta_settings.py',
  'opta_shapes.py',
  'opta_sight.py',
  'opta_slot_actions.py',
  'opta_slots.py',
  'opta_state_files.py',
  'opta_status.py',
  'opta_stream.py',
  'opta_thinking.py',
  'opta_texts.py',
  'opta_tool_book.py',
  'opta_tools.py',
  'opta_traffic.py',
  'opta_upstream.py',
  'opta_whole.py',
] as const

/** resources/opta_settings.py reads these names. */
export interface RouterSettings {
  readonly join_system_messages: boolean
  readonly drop_attribution: boolean
  readonly keep_model_sampling: boolean
  readonly refuse_overlong_prompts: boolean
  readonly admission: boolean
  /** Slots of all Studios together. */
  readonly slots: number
  /** Slots by Studio name, '' for this one; null when there is no other Studio. */
  readonly node_slots: Readonly<Record<string, number>> | null
  readonly node_cooldown_seconds: number
  /** The model name that routes every request; null: the client's. */
  readonly routed_model: string | null
  /** One nth of the context is kept for an answer. */
  readonly kept_for_answer_share: number
  /** What all requests together may hold; null: each slot has its own share. */
  readonly pool_tokens: number | null
  /** The longest answer in a pool; null: as long as the client wants. */
  readonly pool_answer_tokens: number | null
  readonly queue_limit: number
  readonly mend_thinking: boolean
  readonly mend_tools: boolean
  readonly refuse_unseen: boolean
  /** Streams every answer as far as the Router, even if the client wants it in one piece. */
  readonly always_stream: boolean
  readonly max_body_bytes: number
  /** Fields outside Anthropic's and OpenAI's APIs that clients may send. */
  readonly pass_fields: readonly string[] | null
  /** Tools to keep besides those of MCP servers; null: all. */
  readonly tools: readonly string[] | null
  /** `tools` applies to every client, not only Claude Code. */
  readonly tools_for_everybody: boolean
  readonly engine_url: string
  readonly feed_path: string
  readonly usage_path: string
  readonly tools_path: string
  /** Each conversation keeps a slot of this Studio's llama-server. */
  readonly pin_conversations: boolean
  readonly engine_record_path: string
  /** Records what the slots hold, for the next Router of the same llama-server. */
  readonly slots_path: string
  /** Folder for conversations without a slot; null: they are dropped. */
  readonly parked_dir: string | null
  readonly parked_most_bytes: number
  readonly parked_most_age_seconds: number
}

/** How soon to try a failed Studio again; a request that tries a dead one loses a few ms. */
const nodeCooldownSeconds = 10

/** Two developers with eight agents each. */
const defaultQueueLimit = 16

/** Anthropic's own limit for /v1/messages (docs.claude.com, "Request size limits"). */
const defaultMaxBodyBytes = 33_554_432

/** How many requests may wait for a slot; one more gets 529. null: no limit. */
export const queueLimit = (profile: Pick<Profile, 'proxy'>): number | null =>
  isAdmissionOn(profile) ? (profile.proxy.queueLimit ?? defaultQueueLimit) : null

export const routerSettings = (
  profile: Pick<Profile, 'llamaServer' | 'proxy' | 'nodes'>,
  paths: { readonly proxyDir: string; readonly feedPath: string },
  slotCache: SlotCache | null = null,
): RouterSettings => {
  const { proxy, nodes = [] } = profile
  const server = plannedServer(profile.llamaServer)
  const pool = routerPool(server)
  const nodeSlots = Object.fromEntries([['', server.slots], ...nodes.map((node) => [node.name, node.slots])])
  return {
    join_system_messages: proxy.joinSystemMessages ?? true,
    drop_attribution: proxy.dropAttribution ?? true,
    keep_model_sampling: proxy.keepModelSampling ?? true,
    refuse_overlong_prompts: proxy.refuseOverlongPrompts ?? true,
    admission: isAdmissionOn(profile),
    slots: nodes.reduce((sum, node) => sum + node.slots, server.slots),
    node_slots: nodes.length === 0 ? null : nodeSlots,
    node_cooldown_seconds: nodeCooldownSeconds,
    // least-busy counts each model name separately: two names would fill one Studio twice (LiteLLM 1.106.2, measured).
    routed_model: nodes.length === 0 ? null : proxy.modelName,
    kept_for_answer_share: keptForAnswerShare,
    pool_tokens: pool?.tokens ?? null,
    pool_answer_tokens: pool?.answerTokens ?? null,
    queue_limit: proxy.queueLimit ?? defaultQueueLimit,
    mend_thinking: proxy.mendThinking ?? true,
    mend_tools: proxy.mendTools ?? true,
    refuse_unseen: proxy.refuseUnseen ?? true,
    always_stream: proxy.alwaysStream ?? true,
    max_body_bytes: proxy.maxBodyBytes ?? defaultMaxBodyBytes,
    pass_fields: proxy.passFields ?? null,
    tools: keptTools(proxy, clientLimits(profile.llamaServer), server.slots),
    tools_for_everybody: proxy.tools !== undefined,
    engine_url: localUrl(profile.llamaServer.host, profile.llamaServer.port),
    feed_path: paths.feedPath,
    usage_path: join(paths.proxyDir, 'usage-today.json'),
    tools_path: join(paths.proxyDir, toolBookName),
    pin_conversations: slotCache !== null,
    engine_record_path: join(paths.proxyDir, engineRecordName),
    slots_path: join(paths.proxyDir, 'slots.json'),
    parked_dir: slotCache?.parked?.dir ?? null,
    parked_most_bytes: slotCache?.parked?.mostBytes ?? 0,
    parked_most_age_seconds: slotCache?.parked?.mostAgeSeconds ?? 0,
  }
}

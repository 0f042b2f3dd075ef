// The settings of the Router's Python modules, from the profile, and the file that they read.

import { join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { localUrl } from '../base/local-url.ts'
import { isAdmissionOn } from '../config/kv-sharing.ts'
import { engineRecordName } from '../engine/engine-record.ts'
import type { SlotCache } from '../engine/slot-cache.ts'
import { plannedServer } from '../memory/planned-server.ts'
import { clientLimits, keptForAnswerShare, routerPool } from './client-limits.ts'
import { keptTools } from './kept-tools.ts'
import { toolBookName } from './tool-book.ts'

/** How soon to try a failed Studio again; a request that tries a dead one loses a few ms. */
const nodeCooldownSeconds = 10

/** Two developers with eight agents each. */
const defaultQueueLimit = 16

/** Anthropic's own limit for /v1/messages (docs.claude.com, "Request size limits"). */
const defaultMaxBodyBytes = 33_554_432

/** How many requests may wait for a slot; one more gets 529. null: no limit. */
export const queueLimit = (profile: Pick<Profile, 'proxy'>): number | null =>
  isAdmissionOn(profile) ? (profile.proxy.queueLimit ?? defaultQueueLimit) : null

/** resources/opta_settings.py reads these names. */
export const routerSettings = (
  profile: Pick<Profile, 'llamaServer' | 'proxy' | 'nodes'>,
  paths: { readonly proxyDir: string; readonly feedPath: string },
  slotCache: SlotCache | null = null,
) => {
  const { proxy, nodes = [] } = profile
  const server = plannedServer(profile.llamaServer)
  const pool = routerPool(server)
  return {
    join_system_messages: proxy.joinSystemMessages ?? true,
    drop_attribution: proxy.dropAttribution ?? true,
    keep_model_sampling: proxy.keepModelSampling ?? true,
    refuse_overlong_prompts: proxy.refuseOverlongPrompts ?? true,
    admission: isAdmissionOn(profile),
    /** Slots of all Studios together. */
    slots: nodes.reduce((sum, node) => sum + node.slots, server.slots),
    /** Slots by Studio name, '' for this one; null when there is no other Studio. */
    node_slots:
      nodes.length === 0
        ? null
        : Object.fromEntries([['', server.slots], ...nodes.map((node) => [node.name, node.slots])]),
    node_cooldown_seconds: nodeCooldownSeconds,
    /**
     * The model name that routes every request; null: the client's. least-busy counts each model name separately: two names
     * would fill one Studio twice (LiteLLM 1.106.2, measured).
     */
    routed_model: nodes.length === 0 ? null : proxy.modelName,
    /** One nth of the context is kept for an answer. */
    kept_for_answer_share: keptForAnswerShare,
    /** What all requests together may hold; null: each slot has its own share. */
    pool_tokens: pool?.tokens ?? null,
    /** The longest answer in a pool; null: as long as the client wants. */
    pool_answer_tokens: pool?.answerTokens ?? null,
    queue_limit: proxy.queueLimit ?? defaultQueueLimit,
    mend_thinking: proxy.mendThinking ?? true,
    mend_tools: proxy.mendTools ?? true,
    refuse_unseen: proxy.refuseUnseen ?? true,
    /** Streams every answer as far as the Router, even if the client wants it in one piece. */
    always_stream: proxy.alwaysStream ?? true,
    max_body_bytes: proxy.maxBodyBytes ?? defaultMaxBodyBytes,
    /** Fields outside Anthropic's and OpenAI's APIs that clients may send. */
    pass_fields: proxy.passFields ?? null,
    /** Tools to keep besides those of MCP servers; null: all. */
    tools: keptTools(proxy, clientLimits(profile.llamaServer), server.slots),
    /** `tools` applies to every client, not only Claude Code. */
    tools_for_everybody: proxy.tools !== undefined,
    engine_url: localUrl(profile.llamaServer.host, profile.llamaServer.port),
    feed_path: paths.feedPath,
    usage_path: join(paths.proxyDir, 'usage-today.json'),
    tools_path: join(paths.proxyDir, toolBookName),
    /** Each conversation keeps a slot of this Studio's llama-server. */
    pin_conversations: slotCache !== null,
    engine_record_path: join(paths.proxyDir, engineRecordName),
    /** Records what the slots hold, for the next Router of the same llama-server. */
    slots_path: join(paths.proxyDir, 'slots.json'),
    /** Folder for conversations without a slot; null: they are dropped. */
    parked_dir: slotCache?.parked?.dir ?? null,
    parked_most_bytes: slotCache?.parked?.mostBytes ?? 0,
    parked_most_age_seconds: slotCache?.parked?.mostAgeSeconds ?? 0,
  }
}

// The llama-server settings that determine its memory: the profile's, overridden by the user's pinned flags.
import { type KvCacheType, KvCacheTypeSchema, type Profile } from '../../contract/profile.ts'
import { mebibyte } from '../base/format-bytes.ts'
import { spelledAsListed } from '../engine/llama-help.ts'

type ServerProfile = Profile['llamaServer']
type CacheTypes = 'cacheTypeK' | 'cacheTypeV' | 'draftCacheTypeK' | 'draftCacheTypeV'

/** `gpuLayers`: includes the model's output layer; more than it has means all. */
export interface PlannedServer
  extends Pick<
    ServerProfile,
    'contextTokens' | 'slots' | 'gpuLayers' | 'unifiedKv' | 'batchTokens' | 'microBatchTokens' | CacheTypes
  > {
  readonly draftGpuLayers: number
  /** `--kv-unified-per-slot`: limits each slot even if the pool has room (llama.cpp#24124). Absent: no limit. */
  readonly slotLimitTokens?: number
  readonly promptCacheBytes: number
  /** `--swa-full`: sliding layers keep the whole context. */
  readonly fullSlidingCache: boolean
  /** `--ctx-checkpoints` and `--checkpoint-min-step`: how many copies a slot may have, and their minimum distance. */
  readonly checkpointsPerSlot: number
  readonly checkpointStepTokens: number
  /** The file of a pinned `--mmproj`, loaded in addition to the model; null without one. */
  readonly projectorPath: string | null
  readonly projectorOnGpu: boolean
  /** Pinned flags with an unknown effect on memory, one sentence each; the sums are then incomplete. */
  readonly unread: readonly string[]
}

type Change = Partial<{ -readonly [Key in keyof PlannedServer]: PlannedServer[Key] }>

const count = (value: string, least: number, apply: (count: number) => Change): Change | null =>
  /^\d+$/.test(value) && Number(value) >= least ? apply(Number(value)) : null
const cacheType = (value: string, apply: (type: KvCacheType) => Change): Change | null => {
  const type = KvCacheTypeSchema.safeParse(value)
  return type.success ? apply(type.data) : null
}

/** Anything but a number (`auto`, `all`) may mean all of them. */
const layers = (value: string): number => (/^\d+$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY)

type ReadValue = (value: string, trainingTokens: number | null) => Change | null

const context: ReadValue = (value, trainingTokens) => {
  // `-c 0` means the model's training context (--help).
  if (/^0+$/.test(value)) return trainingTokens === null ? null : { contextTokens: trainingTokens }
  return count(value, 1, (contextTokens) => ({ contextTokens }))
}

/** Spellings of b10068 and b10434 (`--help` of both). */
const flagsWithValue: readonly (readonly [readonly string[], ReadValue])[] = [
  [['-c', '--ctx-size'], context],
  [['-np', '--parallel'], (value) => count(value, 1, (slots) => ({ slots }))],
  [['-ngl', '--gpu-layers', '--n-gpu-layers'], (value) => ({ gpuLayers: layers(value) })],
  [
    ['-ngld', '--gpu-layers-draft', '--n-gpu-layers-draft', '--spec-draft-ngl'],
    (value) => ({ draftGpuLayers: layers(value) }),
  ],
  [['-b', '--batch-size'], (value) => count(value, 1, (batchTokens) => ({ batchTokens }))],
  [['-ub', '--ubatch-size'], (value) => count(value, 1, (microBatchTokens) => ({ microBatchTokens }))],
  [['--kv-unified-per-slot'], (value) => count(value, 1, (slotLimitTokens) => ({ slotLimitTokens }))],
  // -1 means no limit (--help), which can't be planned.
  [['-cram', '--cache-ram'], (value) => count(value, 0, (mib) => ({ promptCacheBytes: mib * mebibyte }))],
  [
    ['-ctxcp', '--ctx-checkpoints', '--swa-checkpoints'],
    (value) => count(value, 0, (checkpointsPerSlot) => ({ checkpointsPerSlot })),
  ],
  [
    ['-cms', '--checkpoint-min-step'],
    (value) => count(value, 0, (checkpointStepTokens) => ({ checkpointStepTokens })),
  ],
  [['-mm', '--mmproj'], (value) => (value === '' ? null : { projectorPath: value })],
  // These draft in a second context of the model, and keep states to roll back to (common.h, need_n_rs_seq).
  [['--spec-type'], (value) => (/draft-(mtp|eagle3|dflash|dspark)/.test(value) ? null : {})],
  [['-ctk', '--cache-type-k'], (value) => cacheType(value, (cacheTypeK) => ({ cacheTypeK }))],
  [['-ctv', '--cache-type-v'], (value) => cacheType(value, (cacheTypeV) => ({ cacheTypeV }))],
  [
    ['-ctkd', '--cache-type-k-draft', '--spec-draft-type-k'],
    (value) => cacheType(value, (draftCacheTypeK) => ({ draftCacheTypeK })),
  ],
  [
    ['-ctvd', '--cache-type-v-draft', '--spec-draft-type-v'],
    (value) => cacheType(value, (draftCacheTypeV) => ({ draftCacheTypeV })),
  ],
]
const switches: Readonly<Record<string, Change>> = {
  '-kvu': { unifiedKv: true },
  '--kv-unified': { unifiedKv: true },
  '-no-kvu': { unifiedKv: false },
  '--no-kv-unified': { unifiedKv: false },
  '--swa-full': { fullSlidingCache: true },
  '--mmproj-offload': { projectorOnGpu: true },
  '--no-mmproj-offload': { projectorOnGpu: false },
}

/**
 * Flags whose memory can't be planned, and why (`--help` of b10068 and b10434, llama.cpp's tools/server/README.md at 00dc8057;
 * issue 15). Without this list a plan would report the memory that they take as "to spare".
 */
const uncountedFlags: readonly (readonly [RegExp, string])[] = [
  [/^(-mm|--mmproj)$/, 'the plan includes its file, but not its working memory, which depends on the images'],
  [/^(-mmu|--mmproj-url)$/, 'a vision or audio model, with its own buffers'],
  [
    /^(-md|--model-draft|--spec-draft-model|-hfd|-hfrd|--hf-repo-draft|--spec-draft-hf)$/,
    'a different draft model',
  ],
  [/^(-mv|--model-vocoder|-hfv|-hfrv|--hf-repo-v)$/, 'a vocoder model'],
  [
    /^(--lora|--lora-scaled|--control-vector|--control-vector-scaled)$/,
    'an adapter, kept beside the weights',
  ],
  [
    /^(-cmoe|--cpu-moe|-ncmoe|--n-cpu-moe|-ncffn|--n-cpu-ffn|-ot|--override-tensor|-nkvo|--no-kv-offload)$/,
    'weights or caches moved off the GPU, so its share differs from the plan',
  ],
  [/^--moe-cache-mib$/, 'a GPU cache for experts that are kept off the GPU'],
  [/^(-lzm|--lazy-mode)$/, 'tensors read from disk on demand'],
  [
    /^(--rpc|-dev|--device|-sm|--split-mode|-ts|--tensor-split|-mg|--main-gpu|-mmdev|--mmproj-device|-devd|--device-draft|--spec-draft-device)$/,
    'weights on devices that the plan does not know',
  ],
  [
    /^(-cmoed|-ncmoed|-otd|--(spec-draft-)?(n-)?(cpu-moe|override-tensor)(-draft)?|--spec-draft-ncmoe)$/,
    "a draft's weights moved off the GPU",
  ],
  [
    /^(-m|--model|-mu|--model-url|-hf|-hfr|--hf-repo|-dr|--docker-repo|--(embd|fim|gpt-oss|vision)-[a-z0-9.-]+-(default|spec))$/,
    'a different model from the planned one',
  ],
]

/** The last of a repeated flag wins, as in llama-server. */
function readPinned(
  flags: readonly string[],
  trainingTokens: number | null,
): Change & Pick<PlannedServer, 'unread'> {
  let changes: Change = {}
  const unread: string[] = []
  for (const [index, word] of flags.entries()) {
    const flag = spelledAsListed(word)
    const readValue = flagsWithValue.find(([names]) => names.includes(flag))?.[1]
    const value = flags[index + 1] ?? ''
    const change = readValue?.(value, trainingTokens)
    if (change === null)
      unread.push(
        flag === '--spec-type'
          ? `the pinned ${flag} ${value} is not counted: it drafts in a second context with its own cache, and keeps states to roll back to`
          : `the pinned ${flag} ${value} takes an unknown amount of memory`,
      )
    // llama-server doesn't accept `--flag=value`, so the whole word is the flag.
    const uncounted = uncountedFlags.find(([pattern]) => pattern.test(flag))?.[1]
    if (uncounted !== undefined) unread.push(`the pinned ${flag} is not counted: ${uncounted}`)
    changes = { ...changes, ...switches[flag], ...change }
  }
  return { ...changes, unread }
}

/** @param trainingTokens the model's training context, for `-c 0`; null when unknown */
export function plannedServer(profile: ServerProfile, trainingTokens: number | null = null): PlannedServer {
  const { pinnedFlags, promptCacheMiB, ...server } = profile
  return {
    ...server,
    draftGpuLayers: server.gpuLayers,
    promptCacheBytes: promptCacheMiB * mebibyte,
    fullSlidingCache: false,
    // llama-server's defaults (`--help` of b10068 and b10434).
    checkpointsPerSlot: 32,
    checkpointStepTokens: 8192,
    projectorPath: null,
    projectorOnGpu: true,
    ...readPinned(pinnedFlags, trainingTokens),
  }
}

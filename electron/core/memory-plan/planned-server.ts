// The settings of llama-server that decide its memory: the profile's, as overridden by the flags a user pinned.
import { type KvCacheType, KvCacheTypeSchema, type Profile } from '../../contract.ts'

type ServerProfile = Profile['llamaServer']

export interface PlannedServer {
  readonly contextTokens: number
  readonly slots: number
  readonly unifiedKv: boolean
  readonly cacheTypeK: KvCacheType
  readonly cacheTypeV: KvCacheType
  readonly draftCacheTypeK: KvCacheType
  readonly draftCacheTypeV: KvCacheType
  readonly batchTokens: number
  readonly microBatchTokens: number
  readonly promptCacheBytes: number
  /** `--swa-full`: sliding layers keep the whole context. */
  readonly fullSlidingCache: boolean
}

const mebibyte = 1024 * 1024
type Change = Partial<{ -readonly [Key in keyof PlannedServer]: PlannedServer[Key] }>

const count = (value: string, apply: (count: number) => Change): Change | null =>
  /^\d+$/.test(value) ? apply(Number(value)) : null
const cacheType = (value: string, apply: (type: KvCacheType) => Change): Change | null => {
  const type = KvCacheTypeSchema.safeParse(value)
  return type.success ? apply(type.data) : null
}

/** Spellings of b10068 and b10434 (`--help` of both). */
const flagsWithValue: readonly (readonly [readonly string[], (value: string) => Change | null])[] = [
  [['-c', '--ctx-size'], (value) => count(value, (contextTokens) => ({ contextTokens }))],
  [['-np', '--parallel'], (value) => count(value, (slots) => ({ slots }))],
  [['-b', '--batch-size'], (value) => count(value, (batchTokens) => ({ batchTokens }))],
  [['-ub', '--ubatch-size'], (value) => count(value, (microBatchTokens) => ({ microBatchTokens }))],
  [['-cram', '--cache-ram'], (value) => count(value, (mib) => ({ promptCacheBytes: mib * mebibyte }))],
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
}

/** The last of a repeated flag wins, as in llama-server. */
function readPinned(flags: readonly string[]): Change {
  let changes: Change = {}
  for (const [index, flag] of flags.entries()) {
    const readValue = flagsWithValue.find(([names]) => names.includes(flag))?.[1]
    changes = { ...changes, ...switches[flag], ...readValue?.(flags[index + 1] ?? '') }
  }
  return changes
}

export function plannedServer(profile: ServerProfile): PlannedServer {
  return {
    contextTokens: profile.contextTokens,
    slots: profile.slots,
    unifiedKv: profile.unifiedKv,
    cacheTypeK: profile.cacheTypeK,
    cacheTypeV: profile.cacheTypeV,
    draftCacheTypeK: profile.draftCacheTypeK,
    draftCacheTypeV: profile.draftCacheTypeV,
    batchTokens: profile.batchTokens,
    microBatchTokens: profile.microBatchTokens,
    promptCacheBytes: profile.promptCacheMiB * mebibyte,
    fullSlidingCache: false,
    ...readPinned(profile.pinnedFlags),
  }
}

// The plan's lines, in the order of the Studio's map.
import type { PlanLine } from '../../contract/memory-plan.ts'
import { formatBytes, formatCount } from '../base/format-bytes.ts'
import type { KvCacheSize } from './kv-cache.ts'
import type { SeedMap } from './reserves.ts'
import type { PlanInput, PlannedParking, Tally } from './tally.ts'

type KnownKvSize = Extract<KvCacheSize, { kind: 'known' }>

function sayCache(size: KnownKvSize, types: readonly [string, string]): string {
  const { perStream, streams, slidingPerStream } = size.cells
  const typeNames = types[0] === types[1] ? types[0] : `K ${types[0]}, V ${types[1]}`
  const cells =
    streams === 1 ? `one pool of ${formatCount(perStream)}` : `${streams} x ${formatCount(perStream)}`
  if (slidingPerStream > 0)
    return `${typeNames}, ${cells} tokens, sliding layers ${formatCount(slidingPerStream)}`
  const bytesPerToken = (size.bytes - size.stateBytes) / (perStream * streams)
  return `${typeNames}, ${cells} tokens x ${formatCount(bytesPerToken)} B`
}

/** null for an unknown size: the verdict gives the reason once. */
function sayKv(size: KvCacheSize, types: readonly [string, string], slots: number): string | null {
  if (size.kind === 'unknown') return null
  const state =
    size.stateBytes === 0
      ? null
      : `a state of ${formatBytes(size.stateBytes / slots)} for each of ${slots} slots`
  const cache = size.bytes > size.stateBytes ? sayCache(size, types) : null
  return [cache, state, size.remark].filter((part) => part !== null).join('; ')
}

/** What the checkpoints copy, and how many there may be. */
function sayCheckpoints({ server }: PlanInput, size: KvCacheSize): string {
  const what = size.kind === 'known' && size.stateBytes > 0 ? 'states' : 'sliding windows'
  return `copies of ${what} to resume from, up to ${server.checkpointsPerSlot} per slot (--ctx-checkpoints)`
}

const bytesOf = (size: KvCacheSize): number | null => (size.kind === 'known' ? size.bytes : null)

const nameOf = (model: PlanInput['target']): string =>
  [model.name ?? model.architecture, model.quantisation].filter((part) => part !== null).join(' ')

/** Dear if it takes more than the draft itself. */
function sayDraftKv({ draft, server }: PlanInput, size: KvCacheSize): string | null {
  const say = sayKv(size, [server.draftCacheTypeK, server.draftCacheTypeV], server.slots)
  const isDear = size.kind === 'known' && draft !== null && size.bytes > draft.tensorBytes
  return isDear ? `${say}; more than the draft itself` : say
}

export function listPlanLines(input: PlanInput, tally: Tally, seed: SeedMap | null): readonly PlanLine[] {
  const { target, draft, server, reserves } = input
  const fromSeed = (key: keyof SeedMap): number | null => seed?.[key] ?? null
  const line = (
    id: PlanLine['id'],
    label: string,
    bytes: number | null,
    rest: Partial<Pick<PlanLine, 'estimated' | 'seedBytes' | 'note'>>,
  ): PlanLine => ({ id, label, bytes, estimated: false, seedBytes: null, note: null, ...rest })
  const kvTypes = [server.cacheTypeK, server.cacheTypeV] as const
  return [
    line('weights', 'AI Engine (weights)', target.tensorBytes, {
      seedBytes: fromSeed('weightsBytes'),
      note: nameOf(target),
    }),
    line('draftWeights', 'Speculative draft model', draft?.tensorBytes ?? 0, {
      seedBytes: fromSeed('draftBytes'),
      note: draft === null ? 'none' : nameOf(draft),
    }),
    ...(input.projectorBytes === null
      ? []
      : [line('projector', 'Vision or audio model', input.projectorBytes, { note: 'its file (--mmproj)' })]),
    line('ramDisk', 'Build Forge (RAM disk)', input.ramDiskBytes, {
      seedBytes: fromSeed('ramDiskBytes'),
      note: 'memory is used as it fills; deleting files frees none until it is ejected',
    }),
    line('kvTarget', 'Agent context (KV cache)', bytesOf(tally.kvTarget), {
      seedBytes: fromSeed('kvBytes'),
      note: sayKv(tally.kvTarget, kvTypes, server.slots),
    }),
    ...(tally.kvDraft === null
      ? []
      : [
          line('kvDraft', 'Agent context, draft (KV cache)', bytesOf(tally.kvDraft), {
            seedBytes: seed === null ? null : 0,
            note: sayDraftKv(input, tally.kvDraft),
          }),
        ]),
    line('compute', 'Compute buffers', tally.computeBytes, { estimated: true }),
    line('program', 'llama-server itself', tally.programBytes, {
      estimated: true,
      note: 'libraries and tokenizer',
    }),
    ...(tally.checkpointBytes === 0
      ? []
      : [
          line('checkpoints', 'Context checkpoints', tally.checkpointBytes, {
            estimated: true,
            note: sayCheckpoints(input, tally.kvTarget),
          }),
        ]),
    line('promptCache', 'Prompt cache', server.promptCacheBytes, {
      note: sayPromptCache(server, tally.kvTarget, input.parking ?? null),
    }),
    line('os', 'Operating system', reserves.osBytes, { estimated: true, seedBytes: fromSeed('osBytes') }),
    line('linker', 'Linker reserve', reserves.linkerBytes, {
      estimated: true,
      seedBytes: fromSeed('linkerBytes'),
      note: 'kept free for cargo build',
    }),
  ]
}

/** An agent's first turn brings 21,000 to 30,000 (measured with Claude Code). */
const conversationTokens = 20_000
/** Assumed for an ordinary SSD, and shown next to the seconds. */
const diskBytesPerSecond = 1e9

export const sayPromptCache = (
  { promptCacheBytes }: { readonly promptCacheBytes: number },
  kv: KvCacheSize,
  parking: PlannedParking | null,
): string => {
  const perToken = bytesPerToken(kv)
  const inTokens = (bytes: number) =>
    perToken === null ? '' : `, ${formatCount(Math.floor(bytes / perToken))} tokens of this model`
  const memory = promptCacheBytes === 0 ? 'off' : `host memory (--cache-ram)${inTokens(promptCacheBytes)}`
  if (parking === null) return memory
  const hours = formatCount(Math.round(parking.mostAgeSeconds / 3_600))
  const bytes = perToken === null ? null : conversationTokens * perToken
  const one =
    bytes === null
      ? ''
      : `; ${formatCount(conversationTokens)} tokens take ${formatBytes(bytes)}, written or read in ${formatSeconds(bytes / diskBytesPerSecond)} at 1 GB/s`
  return `${memory}; on disk up to ${formatBytes(parking.mostBytes)}${inTokens(parking.mostBytes)}, ${hours} h unused${one}`
}

/** null for sliding windows (only the newest cells are kept) and recurrent states (one per slot): they have no size per token. */
const bytesPerToken = (kv: KvCacheSize): number | null =>
  kv.kind === 'unknown' || kv.cells.slidingPerStream > 0 || kv.stateBytes > 0
    ? null
    : kv.bytes / (kv.cells.perStream * kv.cells.streams)

const formatSeconds = (seconds: number): string =>
  seconds < 0.1 ? 'less than 0.1 s' : `${seconds.toFixed(1)} s`

// Computes a context's memory exactly as llama.cpp allocates it: KV caches (llama-context.cpp, llama-kv-cache-iswa.cpp) and
// recurrent states (llama-memory-recurrent.cpp), measured on b10068.
import type { KvCacheType } from '../../contract/profile.ts'
import type { KnownKvShape, KvLayer } from '../gguf/kv-layer.ts'
import type { KvShape } from '../gguf/kv-shape.ts'
import { cacheBlock } from '../gguf/tensor-types.ts'
import type { PlannedServer } from './planned-server.ts'

export interface KvCacheSettings
  extends Pick<
    PlannedServer,
    'contextTokens' | 'slots' | 'unifiedKv' | 'microBatchTokens' | 'batchTokens' | 'fullSlidingCache'
  > {
  readonly typeK: KvCacheType
  readonly typeV: KvCacheType
}

export type KvCells = Readonly<ReturnType<typeof countCells>>

export type KvCacheSize =
  | {
      readonly kind: 'known'
      /** Caches and states together. */
      readonly bytes: number
      /** The recurrent layers' part of `bytes`, which doesn't depend on the context's length. */
      readonly stateBytes: number
      readonly cells: KvCells
      /** Size of one checkpoint of a slot: its sliding windows and its states; 0 for a model with neither. */
      readonly checkpointBytes: number
      readonly remark: string | null
    }
  | { readonly kind: 'unknown'; readonly reason: string }

/** llama.cpp pads contexts and sliding caches to 256 cells (ggml-org/llama.cpp#17037). */
const cellPadding = 256
const padCells = (cells: number): number => Math.ceil(cells / cellPadding) * cellPadding

const f32Bytes = 4

type CellRules = Pick<KnownKvShape, 'windowTokens' | 'alwaysSplit'>
const fullAttention: CellRules = { windowTokens: null, alwaysSplit: false }

/** The context of a model that can't be counted is described as if it had full attention. */
export const cellRules = (shape: KvShape): CellRules => (shape.kind === 'known' ? shape : fullAttention)

/** `perStream`: cells of one stream in the full-attention cache, the most that one slot may hold (split), or the pool. */
export function countCells(
  settings: Omit<KvCacheSettings, 'typeK' | 'typeV'>,
  { windowTokens, alwaysSplit }: CellRules = fullAttention,
) {
  const { slots, unifiedKv } = settings
  const isPool = unifiedKv && !alwaysSplit
  const context = padCells(settings.contextTokens)
  const perStream = unifiedKv ? context : padCells(Math.floor(context / slots))
  const streams = isPool ? 1 : slots
  if (windowTokens === null) return { perStream, slidingPerStream: 0, streams }
  const microBatch = Math.min(settings.microBatchTokens, settings.batchTokens)
  const windowed = Math.min(perStream, windowTokens * (isPool ? slots : 1) + microBatch)
  return { perStream, slidingPerStream: settings.fullSlidingCache ? perStream : padCells(windowed), streams }
}

function misfit(shape: KnownKvShape, settings: KvCacheSettings): string | null {
  const blockK = cacheBlock(settings.typeK).blockValues
  const blockV = cacheBlock(settings.typeV).blockValues
  const bad = shape.layers.find(
    (layer) => layer.keyHeadValues % blockK !== 0 || layer.valueHeadValues % blockV !== 0,
  )
  if (bad === undefined) return null
  return `llama-server refuses a ${settings.typeK}/${settings.typeV} cache here: heads of ${bad.keyHeadValues} and ${bad.valueHeadValues} values do not divide into its blocks of 32`
}

export function planKvCache(shape: KvShape, settings: KvCacheSettings): KvCacheSize {
  if (shape.kind === 'unknown') return shape
  const reason = misfit(shape, settings)
  if (reason !== null) return { kind: 'unknown', reason }
  const cells = countCells(settings, shape)
  const bytesOf = (values: number, type: KvCacheType): number => {
    const { blockValues, blockBytes } = cacheBlock(type)
    return (values / blockValues) * blockBytes
  }
  const sum = (cellsOf: (layer: KvLayer) => number): number =>
    shape.layers.reduce((total, layer) => {
      const perCell = bytesOf(layer.keyValues, settings.typeK) + bytesOf(layer.valueValues, settings.typeV)
      return total + cellsOf(layer) * perCell
    }, 0)
  const cellsOfLayer = ({ slides, tokensPerCell }: KvLayer): number => {
    if (slides) return cells.slidingPerStream
    return tokensPerCell === 1 ? cells.perStream : padCells(Math.ceil(cells.perStream / tokensPerCell))
  }
  const slotStateBytes = (shape.state?.valuesPerSlot ?? 0) * f32Bytes
  const stateBytes = slotStateBytes * settings.slots
  const windowBytes = settings.fullSlidingCache
    ? 0
    : sum(({ slides }) => (slides ? (shape.windowTokens ?? 0) : 0))
  return {
    kind: 'known',
    bytes: sum(cellsOfLayer) * cells.streams + stateBytes,
    stateBytes,
    cells,
    checkpointBytes: windowBytes + slotStateBytes,
    remark: shape.remark,
  }
}

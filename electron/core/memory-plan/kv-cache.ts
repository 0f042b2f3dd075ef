// Size of a KV cache exactly as llama.cpp allocates it (llama-context.cpp, llama-kv-cache-iswa.cpp; measured on b10068).
import type { KvCacheType } from '../../contract.ts'
import type { KvShape } from '../gguf/kv-shape.ts'

export interface KvCacheSettings {
  readonly contextTokens: number
  readonly slots: number
  readonly unifiedKv: boolean
  readonly microBatchTokens: number
  readonly batchTokens: number
  readonly fullSlidingCache: boolean
  readonly typeK: KvCacheType
  readonly typeV: KvCacheType
}

export interface KvCells {
  /** Cells of one stream in the full-attention cache: what one slot may hold at most (split), or the pool. */
  readonly perStream: number
  readonly slidingPerStream: number
  readonly streams: number
}

export type KvCacheSize =
  | {
      readonly kind: 'known'
      readonly bytes: number
      readonly cells: KvCells
      /** What one saved copy of a slot's sliding window takes; 0 for a model without one. */
      readonly checkpointBytes: number
    }
  | { readonly kind: 'unknown'; readonly reason: string }

/** llama.cpp pads contexts and sliding caches to 256 cells (ggml-org/llama.cpp#17037). */
const cellPadding = 256
const padCells = (cells: number): number => Math.ceil(cells / cellPadding) * cellPadding

/** Values in a block, and its bytes. */
const cacheTypes: Readonly<Record<KvCacheType, readonly [number, number]>> = {
  f32: [1, 4],
  f16: [1, 2],
  bf16: [1, 2],
  q8_0: [32, 34],
  q4_0: [32, 18],
  q4_1: [32, 20],
  iq4_nl: [32, 18],
  q5_0: [32, 22],
  q5_1: [32, 24],
}

export function countCells(
  settings: Omit<KvCacheSettings, 'typeK' | 'typeV'>,
  windowTokens: number | null,
): KvCells {
  const { slots, unifiedKv } = settings
  const context = padCells(settings.contextTokens)
  const perStream = unifiedKv ? context : padCells(Math.floor(context / slots))
  const streams = unifiedKv ? 1 : slots
  if (windowTokens === null) return { perStream, slidingPerStream: 0, streams }
  const microBatch = Math.min(settings.microBatchTokens, settings.batchTokens)
  const windowed = Math.min(perStream, windowTokens * (unifiedKv ? slots : 1) + microBatch)
  return { perStream, slidingPerStream: settings.fullSlidingCache ? perStream : padCells(windowed), streams }
}

function misfit(shape: Extract<KvShape, { kind: 'known' }>, settings: KvCacheSettings): string | null {
  const blockK = cacheTypes[settings.typeK][0]
  const blockV = cacheTypes[settings.typeV][0]
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
  const cells = countCells(settings, shape.windowTokens)
  const bytesOf = (values: number, type: KvCacheType): number => {
    const [blockValues, blockBytes] = cacheTypes[type]
    return (values / blockValues) * blockBytes
  }
  const sum = (cellsOf: (slides: boolean) => number): number =>
    shape.layers.reduce((total, { slides, keyValues, valueValues }) => {
      const perCell = bytesOf(keyValues, settings.typeK) + bytesOf(valueValues, settings.typeV)
      return total + cellsOf(slides) * perCell
    }, 0)
  return {
    kind: 'known',
    bytes: sum((slides) => (slides ? cells.slidingPerStream : cells.perStream)) * cells.streams,
    cells,
    checkpointBytes: sum((slides) => (slides ? (shape.windowTokens ?? 0) : 0)),
  }
}

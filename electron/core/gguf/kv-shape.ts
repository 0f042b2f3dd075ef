// What one token and one sequence cost in memory, layer by layer, as llama.cpp allocates it; "unknown" with the reason where
// that is not known. Checked against b10068's own log with models in miniature (e2e/model-memory.e2e.ts).
import { leavesOutPredictors, mayCompressKeys, memoryKindOf, whyNotCounted } from './architectures.ts'
import { compressedShape } from './compressed-cache.ts'
import type { MetadataQuestions } from './metadata-reading.ts'
import { readRecurrentLayers } from './recurrent-state.ts'
import { readSliding, type Sliding } from './sliding-window.ts'

export interface KvLayer {
  /** Numbers stored per cell: KV heads x head size. */
  readonly keyValues: number
  /** 0 where values are not kept: compressed keys (MLA), index keys. */
  readonly valueValues: number
  /** The size of one head, which cache quantisation must divide into blocks. */
  readonly keyHeadValues: number
  readonly valueHeadValues: number
  readonly slides: boolean
  /** 1, but for compressed caches, which keep one cell for several tokens. */
  readonly tokensPerCell: number
}

/** f32 numbers that each slot keeps, however long its context. */
export interface SequenceState {
  readonly layers: number
  readonly valuesPerSlot: number
}

export interface KnownKvShape {
  readonly kind: 'known'
  /** Layers with a cache, and caches of index keys as layers of their own. */
  readonly layers: readonly KvLayer[]
  readonly windowTokens: number | null
  /** null: no layer is recurrent. */
  readonly state: SequenceState | null
  /** The cache stays one for each slot even where a pool is asked for (`-kvu`). */
  readonly alwaysSplit: boolean
  /** What a reader of the sum should know, such as where builds differ; null when there is nothing. */
  readonly remark: string | null
}
export type KvShape = KnownKvShape | { readonly kind: 'unknown'; readonly reason: string }

interface Dimensions {
  /** All in the file, with those that only predict further tokens. */
  readonly allLayers: number
  readonly predictors: number
  readonly firstHeads: number
  readonly kvHeads: readonly number[]
  readonly keyLength: number
  readonly valueLength: number
  readonly slidingKeyLength: number
  readonly slidingValueLength: number
  /** llama_hparams::is_mla: the file gives both lengths after decompression. */
  readonly compressesKeys: boolean
}

interface LayerCounts {
  readonly allLayers: number
  readonly predictors: number
}

function readLayerCounts(architecture: string, ask: MetadataQuestions): LayerCounts | string {
  const layersKey = `${architecture}.block_count`
  const inFile = ask.count(layersKey) ?? 0
  // nanbeige runs its layers several times, each time with a cache of its own (src/models/nanbeige.cpp).
  const allLayers = inFile * (architecture === 'nanbeige' ? (ask.count('nanbeige.num_loops') ?? 1) : 1)
  // LLAMA_MAX_LAYERS is 512.
  if (allLayers === 0 || allLayers > 512)
    return `${layersKey} is ${allLayers === 0 ? 'missing or 0' : allLayers}; 1 to 512 layers are allowed`
  const predictorsKey = `${architecture}.nextn_predict_layers`
  const predictors = ask.isPresent(predictorsKey) ? ask.count(predictorsKey) : 0
  if (predictors === null || predictors >= allLayers)
    return `${predictorsKey} must be a number below the ${allLayers} layers of the model`
  return { allLayers, predictors }
}

/** A sentence instead of dimensions when something is missing or is no number: a default would be a wrong number. */
function readDimensions(
  architecture: string,
  counts: LayerCounts,
  ask: MetadataQuestions,
): Dimensions | string {
  const key = (name: string): string => `${architecture}.${name}`
  const { allLayers } = counts
  // Without them llama.cpp loads a model that has no attention, and sizes its heads 0.
  const mayLackHeads = memoryKindOf(architecture) === 'recurrent'
  const noHeads = mayLackHeads ? new Array<number>(allLayers).fill(0) : null
  const heads = ask.perLayer(key('attention.head_count'), allLayers) ?? noHeads
  const kvKey = key('attention.head_count_kv')
  const kvHeads = ask.isPresent(kvKey) ? ask.perLayer(kvKey, allLayers) : heads
  const firstHeads = heads?.[0] ?? 0
  if (kvHeads === null || (firstHeads === 0 && !mayLackHeads))
    return `${key('attention.head_count')} or ${kvKey} is not there for all of its ${allLayers} layers`
  const embedding = ask.count(key('embedding_length'))
  const byDefault = embedding === null || firstHeads === 0 ? null : Math.floor(embedding / firstHeads)
  const lengthOf = (name: string, otherwise: number | null): number | null =>
    ask.isPresent(key(name)) ? ask.count(key(name)) : otherwise
  const keyLength = lengthOf('attention.key_length', byDefault)
  const valueLength = lengthOf('attention.value_length', byDefault)
  const slidingKeyLength = lengthOf('attention.key_length_swa', keyLength)
  const slidingValueLength = lengthOf('attention.value_length_swa', valueLength)
  if (!mayLackHeads && (!keyLength || !valueLength || !slidingKeyLength || !slidingValueLength))
    return `the sizes of its heads (${key('attention.key_length')} and the like) are missing or no numbers`
  return {
    ...counts,
    firstHeads,
    kvHeads,
    keyLength: keyLength ?? 0,
    valueLength: valueLength ?? 0,
    slidingKeyLength: slidingKeyLength ?? 0,
    slidingValueLength: slidingValueLength ?? 0,
    compressesKeys:
      mayCompressKeys(architecture) &&
      (ask.count(key('attention.key_length_mla')) ?? 0) > 0 &&
      (ask.count(key('attention.value_length_mla')) ?? 0) > 0,
  }
}

function layerOf(headCount: number, slides: boolean, dimensions: Dimensions): KvLayer {
  const keyHeadValues = slides ? dimensions.slidingKeyLength : dimensions.keyLength
  const fullValueValues = slides ? dimensions.slidingValueLength : dimensions.valueLength
  // Values are read from the compressed keys (llama-kv-cache.cpp: `has_v = !is_mla`).
  const valueHeadValues = dimensions.compressesKeys ? 0 : fullValueValues
  return {
    keyValues: headCount * keyHeadValues,
    valueValues: headCount * valueHeadValues,
    keyHeadValues,
    valueHeadValues,
    slides,
    tokensPerCell: 1,
  }
}

const slidesAt = (sliding: Sliding, layer: number): boolean =>
  sliding.kind === 'some' && sliding.slides[layer] === true

/** The later layers of some models reuse the caches of the earlier ones. */
function layersWithOwnCache(
  architecture: string,
  { allLayers, predictors }: LayerCounts,
  ask: MetadataQuestions,
) {
  if (architecture === 'gemma3n') return Math.min(20, allLayers)
  if (architecture === 'gemma4')
    return Math.max(0, allLayers - (ask.count('gemma4.attention.shared_kv_layers') ?? 0))
  return leavesOutPredictors(architecture) ? allLayers - predictors : allLayers
}

/**
 * The index keys by which sparse attention chooses: one head in each indexed layer, without values where keys are compressed
 * (llama-kv-cache-dsa.cpp, llama-kv-cache-msa.cpp).
 */
function readIndexLayers(
  architecture: string,
  dimensions: Dimensions,
  ask: MetadataQuestions,
): readonly KvLayer[] | string {
  const key = (name: string): string => `${architecture}.${name}`
  const keyHeadValues = ask.count(key('attention.indexer.key_length'))
  if (!keyHeadValues) return `${key('attention.indexer.key_length')} is missing or no number`
  const trunk = dimensions.allLayers - dimensions.predictors
  const isIndexed = Array.from({ length: dimensions.allLayers }, (_, layer) => {
    if (architecture === 'minimax-m3') return layer >= (ask.count(key('leading_dense_block_count')) ?? 0)
    return architecture === 'deepseek32' || layer < trunk
  })
  const full = architecture === 'glm-dsa' ? readFullIndexers(ask, trunk) : null
  if (typeof full === 'string') return full
  const valueHeadValues = dimensions.compressesKeys ? 0 : dimensions.valueLength
  const layer: KvLayer = {
    keyValues: keyHeadValues,
    valueValues: valueHeadValues,
    keyHeadValues,
    valueHeadValues,
    slides: false,
    tokensPerCell: 1,
  }
  return isIndexed
    .filter((indexed, index) => indexed && (full === null || full[index] === true))
    .map(() => layer)
}

/** GLM from 5.2 shares one index among four layers (src/models/glm-dsa.cpp, GLM_5_2_DEFAULT_INDEXER_TYPES); before, each has one. */
function readFullIndexers(ask: MetadataQuestions, layers: number): readonly boolean[] | string {
  const listKey = 'glm-dsa.attention.indexer.types'
  if (ask.isPresent(listKey)) {
    const list = ask.perLayer(listKey, layers)
    return list === null
      ? `${listKey} is not there for all of its ${layers} layers`
      : list.map((one) => one !== 0)
  }
  const isBefore52 = (ask.count('glm-dsa.context_length') ?? 0) < 1_048_576
  return Array.from({ length: layers }, (_, layer) => isBefore52 || layer < 2 || layer % 4 === 2)
}

function sayRemark(architecture: string, { predictors }: LayerCounts): string | null {
  if (architecture === 'glm-dsa')
    return 'with its index keys, which builds to mid-July 2026 (b10068) do not keep'
  if (predictors === 0 || leavesOutPredictors(architecture)) return null
  return `with the cache of ${predictors === 1 ? 'its layer' : `${predictors} layers`} for multi-token prediction, which llama-server makes without using it`
}

export function readKvShape(architecture: string, ask: MetadataQuestions): KvShape {
  const shape = readKnownShape(architecture, ask)
  return typeof shape === 'string' ? { kind: 'unknown', reason: shape } : shape
}

function readKnownShape(architecture: string, ask: MetadataQuestions): KnownKvShape | string {
  const kind = memoryKindOf(architecture)
  if (kind === null) return whyNotCounted(architecture)
  const counts = readLayerCounts(architecture, ask)
  if (typeof counts === 'string') return counts
  const dimensions = readDimensions(architecture, counts, ask)
  if (typeof dimensions === 'string') return dimensions
  if (kind === 'compressed') return compressedShape(architecture, dimensions, ask)
  const sliding = readSliding(architecture, counts, dimensions.kvHeads, ask)
  if (sliding.kind === 'unknown') return sliding.reason
  const isOfRecurrence = kind === 'recurrent' || kind === 'hybrid'
  const trunk = counts.allLayers - counts.predictors
  const recurrent = isOfRecurrence
    ? readRecurrentLayers(architecture, { ...dimensions, layers: trunk }, ask)
    : null
  if (typeof recurrent === 'string') return recurrent
  const index = kind === 'indexed' ? readIndexLayers(architecture, dimensions, ask) : []
  if (typeof index === 'string') return index
  const ownCaches = layersWithOwnCache(architecture, counts, ask)
  const hasCache = (layer: number): boolean =>
    layer < ownCaches && kind !== 'recurrent' && (recurrent?.hasCache[layer] ?? true)
  const stateLayers = recurrent?.isRecurrent.filter(Boolean).length ?? 0
  return {
    kind: 'known',
    windowTokens: sliding.kind === 'some' ? sliding.windowTokens : null,
    layers: [
      ...dimensions.kvHeads
        .map((headCount, layer) => layerOf(headCount, slidesAt(sliding, layer), dimensions))
        .filter((_, layer) => hasCache(layer)),
      ...index,
    ],
    state:
      recurrent === null || stateLayers === 0
        ? null
        : { layers: stateLayers, valuesPerSlot: stateLayers * recurrent.valuesPerLayer },
    alwaysSplit: false,
    remark: sayRemark(architecture, counts),
  }
}

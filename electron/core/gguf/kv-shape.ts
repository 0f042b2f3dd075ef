// What one token and one sequence cost in memory, layer by layer, as llama.cpp allocates it; otherwise "unknown" and why.
// Checked against b10068's own log with miniature models (e2e/model-memory.e2e.ts).
import { leavesOutPredictors, mayCompressKeys, memoryKindOf, whyNotCounted } from './architectures.ts'
import { compressedShape } from './compressed-cache.ts'
import { type KnownKvShape, type KvLayer, kvLayer } from './kv-layer.ts'
import type { MetadataQuestions } from './metadata.ts'
import { readRecurrentLayers } from './recurrent-state.ts'
import { readSliding, type Sliding } from './sliding-window.ts'

export type KvShape = KnownKvShape | { readonly kind: 'unknown'; readonly reason: string }

type Dimensions = Exclude<ReturnType<typeof readDimensions>, string>

interface LayerCounts {
  readonly allLayers: number
  readonly predictors: number
}

function readLayerCounts(architecture: string, ask: MetadataQuestions): LayerCounts | string {
  const layersKey = `${architecture}.block_count`
  const inFile = ask.count(layersKey) ?? 0
  // nanbeige runs its layers several times, with a separate cache each time (src/models/nanbeige.cpp).
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

/** Returns a sentence when something is missing or not a number: a default would be wrong. */
function readDimensions(architecture: string, counts: LayerCounts, ask: MetadataQuestions) {
  const key = (name: string): string => `${architecture}.${name}`
  const { allLayers } = counts
  // llama.cpp loads a model without attention without these, with heads of size 0.
  const mayLackHeads = memoryKindOf(architecture) === 'recurrent'
  const noHeads = mayLackHeads ? new Array<number>(allLayers).fill(0) : null
  const heads = ask.perLayer(key('attention.head_count'), allLayers) ?? noHeads
  const kvKey = key('attention.head_count_kv')
  const kvHeads = ask.isPresent(kvKey) ? ask.perLayer(kvKey, allLayers) : heads
  const firstHeads = heads?.[0] ?? 0
  if (kvHeads === null || (firstHeads === 0 && !mayLackHeads))
    return `${key('attention.head_count')} or ${kvKey} is missing for some of its ${allLayers} layers`
  const embedding = ask.count(key('embedding_length'))
  const byDefault = embedding === null || firstHeads === 0 ? null : Math.floor(embedding / firstHeads)
  const lengthOf = (name: string, otherwise: number | null): number | null =>
    ask.isPresent(key(name)) ? ask.count(key(name)) : otherwise
  const keyLength = lengthOf('attention.key_length', byDefault)
  const valueLength = lengthOf('attention.value_length', byDefault)
  const slidingKeyLength = lengthOf('attention.key_length_swa', keyLength)
  const slidingValueLength = lengthOf('attention.value_length_swa', valueLength)
  if (!mayLackHeads && (!keyLength || !valueLength || !slidingKeyLength || !slidingValueLength))
    return `the sizes of its heads (${key('attention.key_length')} etc.) are missing or not numbers`
  return {
    ...counts,
    firstHeads,
    kvHeads,
    keyLength: keyLength ?? 0,
    valueLength: valueLength ?? 0,
    slidingKeyLength: slidingKeyLength ?? 0,
    slidingValueLength: slidingValueLength ?? 0,
    /** llama_hparams::is_mla: the file gives both decompressed lengths. */
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
  return kvLayer(headCount, keyHeadValues, dimensions.compressesKeys ? 0 : fullValueValues, { slides })
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
 * The index keys that sparse attention selects by: one head in each indexed layer, without values if keys are compressed
 * (llama-kv-cache-dsa.cpp, llama-kv-cache-msa.cpp).
 */
function readIndexLayers(
  architecture: string,
  dimensions: Dimensions,
  ask: MetadataQuestions,
): readonly KvLayer[] | string {
  const key = (name: string): string => `${architecture}.${name}`
  const keyHeadValues = ask.count(key('attention.indexer.key_length'))
  if (!keyHeadValues) return `${key('attention.indexer.key_length')} is missing or not a number`
  const trunk = dimensions.allLayers - dimensions.predictors
  const isIndexed = Array.from({ length: dimensions.allLayers }, (_, layer) => {
    if (architecture === 'minimax-m3') return layer >= (ask.count(key('leading_dense_block_count')) ?? 0)
    return architecture === 'deepseek32' || layer < trunk
  })
  const full = architecture === 'glm-dsa' ? readFullIndexers(ask, trunk) : null
  if (typeof full === 'string') return full
  const layer = kvLayer(1, keyHeadValues, dimensions.compressesKeys ? 0 : dimensions.valueLength)
  return isIndexed
    .filter((indexed, index) => indexed && (full === null || full[index] === true))
    .map(() => layer)
}

/** Since 5.2, four layers of GLM share one index (src/models/glm-dsa.cpp, GLM_5_2_DEFAULT_INDEXER_TYPES); before, each had its own. */
function readFullIndexers(ask: MetadataQuestions, layers: number): readonly boolean[] | string {
  const listKey = 'glm-dsa.attention.indexer.types'
  if (ask.isPresent(listKey)) {
    const list = ask.perLayer(listKey, layers)
    return list === null
      ? `${listKey} is missing for some of its ${layers} layers`
      : list.map((one) => one !== 0)
  }
  const isBefore52 = (ask.count('glm-dsa.context_length') ?? 0) < 1_048_576
  return Array.from({ length: layers }, (_, layer) => isBefore52 || layer < 2 || layer % 4 === 2)
}

function sayRemark(architecture: string, { predictors }: LayerCounts): string | null {
  if (architecture === 'glm-dsa')
    return 'including index keys, which builds up to mid-July 2026 (b10068) do not store'
  if (predictors === 0 || leavesOutPredictors(architecture)) return null
  return `including the cache of ${predictors === 1 ? 'its layer' : `${predictors} layers`} for multi-token prediction, which llama-server allocates but does not use`
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

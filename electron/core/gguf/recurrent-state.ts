// The state that recurrent and hybrid models keep per sequence, as llama.cpp sizes it (src/llama-hparams.cpp, n_embd_r
// and n_embd_s; src/models/*.cpp, load_arch_hparams, for the layers that have one). The same in b10054 and b10256.
import type { MetadataQuestions } from './metadata.ts'

export interface LayerHeads {
  /** Layers that run: excludes those that only predict further tokens. */
  readonly layers: number
  /** For each layer. */
  readonly kvHeads: readonly number[]
  readonly firstHeads: number
}

/** Returns a sentence when the file lacks something without which llama.cpp refuses to load it. */
export function readRecurrentLayers(architecture: string, heads: LayerHeads, ask: MetadataQuestions) {
  const valuesPerLayer = readStateValues(architecture, heads, ask)
  if (typeof valuesPerLayer === 'string') return valuesPerLayer
  const isRecurrent = readRecurrentPattern(architecture, heads, ask)
  if (typeof isRecurrent === 'string') return isRecurrent
  return {
    /** Numbers in one layer's state for one sequence. Always f32, whatever the cache types (create_memory). */
    valuesPerLayer,
    isRecurrent,
    /** Which layers have keys and values; in falcon-h1 the recurrent ones do too. */
    hasCache: readCachePattern(architecture, isRecurrent, heads, ask),
  }
}

function readStateValues(architecture: string, heads: LayerHeads, ask: MetadataQuestions): number | string {
  const missing: string[] = []
  const need = (name: string): number => {
    const value = ask.count(`${architecture}.${name}`)
    if (value === null) missing.push(`${architecture}.${name}`)
    return value ?? 0
  }
  const values = sumStateValues(architecture, heads, ask, need)
  if (missing.length > 0)
    return `the size of its state is unknown: ${missing.join(' and ')} missing or not a number`
  return Number.isSafeInteger(values) ? values : `${values} numbers of state in one layer is not a real size`
}

function sumStateValues(
  architecture: string,
  { firstHeads }: LayerHeads,
  ask: MetadataQuestions,
  need: (name: string) => number,
): number {
  switch (architecture) {
    case 'rwkv6':
    case 'rwkv6qwen2':
    case 'rwkv7':
    case 'arwkv7': {
      const shifts = ask.count(`${architecture}.token_shift_count`) ?? 2
      return need('embedding_length') * (shifts + need('wkv.head_size'))
    }
    case 'lfm2':
    case 'lfm2moe':
      return need('embedding_length') * Math.max(0, need('shortconv.l_cache') - 1)
    case 'kimi-linear': {
      // Convolutions of Q, K and V, and a square matrix per head. Without a kernel llama.cpp uses 3 columns.
      const headValues = need('kda.head_dim')
      const kernel = need('ssm.conv_kernel')
      return firstHeads * headValues * (3 * (kernel > 0 ? kernel - 1 : 3) + headValues)
    }
    default: {
      const inner = need('ssm.inner_size')
      const state = need('ssm.state_size')
      // mamba and jamba have no groups: load_arch_hparams doesn't read the key.
      const groups = architecture === 'mamba' || architecture === 'jamba' ? 0 : need('ssm.group_count')
      return Math.max(0, need('ssm.conv_kernel') - 1) * (inner + 2 * groups * state) + state * inner
    }
  }
}

function readRecurrentPattern(
  architecture: string,
  { layers, kvHeads }: LayerHeads,
  ask: MetadataQuestions,
): readonly boolean[] | string {
  const each = (isRecurrent: (layer: number) => boolean): readonly boolean[] =>
    Array.from({ length: layers }, (_, layer) => isRecurrent(layer))
  switch (architecture) {
    case 'qwen3next':
    case 'qwen35':
    case 'qwen35moe': {
      const listKey = `${architecture}.attention.recurrent_layers`
      if (ask.isPresent(listKey)) {
        const list = ask.perLayer(listKey, layers)
        return list === null
          ? `${listKey} is missing for some of its ${layers} layers`
          : each((layer) => list[layer] !== 0)
      }
      const intervalKey = `${architecture}.full_attention_interval`
      const interval = ask.isPresent(intervalKey) ? ask.count(intervalKey) : 4
      if (!interval) return `${intervalKey} is not a number above 0`
      return each((layer) => (layer + 1) % interval !== 0)
    }
    case 'nemotron_h':
    case 'nemotron_h_moe': {
      const feedForward = readFeedForward(architecture, layers, ask)
      return each((layer) => kvHeads[layer] === 0 && feedForward[layer] === 0)
    }
    case 'jamba':
    case 'plamo2':
    case 'granitehybrid':
    case 'barbet':
    case 'lfm2':
    case 'lfm2moe':
    case 'kimi-linear':
      return each((layer) => kvHeads[layer] === 0)
    default:
      // All purely recurrent models, and falcon-h1.
      return each(() => true)
  }
}

const readFeedForward = (architecture: string, layers: number, ask: MetadataQuestions): readonly number[] =>
  ask.perLayer(`${architecture}.feed_forward_length`, layers) ?? new Array<number>(layers).fill(0)

function readCachePattern(
  architecture: string,
  isRecurrent: readonly boolean[],
  { layers }: LayerHeads,
  ask: MetadataQuestions,
): readonly boolean[] {
  if (architecture === 'falcon-h1') return isRecurrent.map(() => true)
  const hasNeither =
    architecture === 'nemotron_h' || architecture === 'nemotron_h_moe'
      ? readFeedForward(architecture, layers, ask).map((length) => length > 0)
      : isRecurrent.map(() => false)
  return isRecurrent.map((recurrent, layer) => !recurrent && hasNeither[layer] !== true)
}

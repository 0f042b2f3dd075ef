// Estimates of what llama-server takes besides weights and KV cache. Marked as estimates wherever they are shown.
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { countCells, type KvCacheSettings, type KvCacheSize } from './kv-cache.ts'

const f32Bytes = 4
const f16Bytes = 2

/**
 * Measured on b10068 with gemma-3-270m (CPU, flash attention): 17.77 MiB for 512 tokens of micro batch, half for 256,
 * plus two bytes per micro-batch token and cell of the attention mask (full and sliding). The activations fit
 * 3 x feed-forward + 5 x embedding numbers a token (18.3 MiB there). Output logits: one row a slot.
 */
export function estimateComputeBytes(
  model: GgufHeader,
  settings: Omit<KvCacheSettings, 'typeK' | 'typeV'>,
): number {
  const windowTokens = model.kv.kind === 'known' ? model.kv.windowTokens : null
  const cells = countCells(settings, windowTokens)
  const microBatch = Math.min(settings.microBatchTokens, settings.batchTokens)
  const embedding = model.embeddingLength ?? 4096
  const feedForward = model.feedForwardLength ?? 4 * embedding
  const activations = microBatch * f32Bytes * (3 * feedForward + 5 * embedding)
  const masks = microBatch * f16Bytes * (cells.perStream + cells.slidingPerStream)
  const logits = settings.slots * f32Bytes * (model.vocabulary.tokenCount ?? 131_072)
  return activations + masks + logits
}

/**
 * llama-server keeps copies of a slot's sliding window in host memory, so that a prompt can be taken up again (ggml-org/llama.cpp
 * pull 15293). Measured with b10068: two for each prompt and one more for every 8,192 tokens, 32 a slot at most.
 */
export function estimateCheckpointBytes(size: KvCacheSize | null, slots: number): number {
  if (size?.kind !== 'known') return 0
  return slots * Math.min(32, 2 + Math.floor(size.cells.perStream / 8192)) * size.checkpointBytes
}

const programBytes = 64 * 1024 * 1024
const bytesPerToken = 128

/** Measured: 90 to 96 MiB beyond all buffers with one tokenizer of 262,144 tokens (libraries 60, tokenizer 30). */
export const estimateProgramBytes = (models: readonly GgufHeader[]): number =>
  programBytes +
  models.reduce((sum, model) => sum + bytesPerToken * (model.vocabulary.tokenCount ?? 131_072), 0)

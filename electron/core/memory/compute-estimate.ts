// Estimates llama-server's memory besides weights and KV cache. Always shown as estimates.
import type { GgufHeader } from '../gguf/gguf-header.ts'
import { cellRules, countCells, type KvCacheSettings, type KvCacheSize } from './kv-cache.ts'
import type { PlannedServer } from './planned-server.ts'

const f32Bytes = 4
const f16Bytes = 2

/**
 * Measured on b10068 with gemma-3-270m (CPU, flash attention): 17.77 MiB for 512 tokens of micro batch, half for 256,
 * plus two bytes per micro-batch token and cell of the attention mask (full and sliding). The activations fit
 * 3 x feed-forward + 5 x embedding numbers per token (18.3 MiB there). Output logits: one row per slot.
 */
export function estimateComputeBytes(
  model: GgufHeader,
  settings: Omit<KvCacheSettings, 'typeK' | 'typeV'>,
): number {
  const cells = countCells(settings, cellRules(model.kv))
  const microBatch = Math.min(settings.microBatchTokens, settings.batchTokens)
  const embedding = model.embeddingLength ?? 4096
  const feedForward = model.feedForwardLength ?? 4 * embedding
  const activations = microBatch * f32Bytes * (3 * feedForward + 5 * embedding)
  const masks = microBatch * f16Bytes * (cells.perStream + cells.slidingPerStream)
  const logits = settings.slots * f32Bytes * (model.tokenCount ?? 131_072)
  return activations + masks + logits
}

/**
 * llama-server keeps checkpoints of each slot in host memory to resume prompts: copies of sliding windows
 * (ggml-org/llama.cpp pull 15293) and of recurrent states. Measured with b10068: two per prompt and one more per 8,192
 * tokens (`--checkpoint-min-step`), at most 32 per slot (`--ctx-checkpoints`). In a pool all slots share the tokens.
 */
function countCheckpoints(
  size: KvCacheSize | null,
  server: Pick<PlannedServer, 'slots' | 'unifiedKv' | 'checkpointsPerSlot' | 'checkpointStepTokens'>,
): number {
  if (size?.kind !== 'known' || size.checkpointBytes === 0) return 0
  const { slots, unifiedKv, checkpointsPerSlot, checkpointStepTokens } = server
  const most = slots * checkpointsPerSlot
  // Without a minimum distance every batch may add one.
  if (checkpointStepTokens === 0) return most
  const alongTokens = Math.floor(size.cells.perStream / checkpointStepTokens)
  return Math.min(most, unifiedKv ? 2 * slots + alongTokens : slots * (2 + alongTokens))
}

export const estimateCheckpointBytes = (
  size: KvCacheSize | null,
  server: Parameters<typeof countCheckpoints>[1],
): number => (size?.kind === 'known' ? countCheckpoints(size, server) * size.checkpointBytes : 0)

const programBytes = 64 * 1024 * 1024
const bytesPerToken = 128

/** Measured: 90 to 96 MiB beyond all buffers with one tokenizer of 262,144 tokens (libraries 60, tokenizer 30). */
export const estimateProgramBytes = (models: readonly GgufHeader[]): number =>
  programBytes + models.reduce((sum, model) => sum + bytesPerToken * (model.tokenCount ?? 131_072), 0)

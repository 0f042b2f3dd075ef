// What one llama-server said it allocated, on disk: its log's first lines may be rotated away long before it ends.
import { z } from 'zod'
import type { Allocations } from './memory-plan/allocations.ts'
import { readFileOrNull, writePrivateFile } from './private-file.ts'

const bytes = z.number().int().nonnegative()
const ModelSchema = z.strictObject({
  modelBytes: bytes,
  copiedBytes: bytes,
  mappedBuffers: z.number().int().nonnegative(),
  kvBytes: bytes,
  computeBytes: bytes,
})
const RecordSchema = z.strictObject({
  llamaServer: z.string(),
  allocations: z.strictObject({ target: ModelSchema, draft: ModelSchema.nullable() }),
})

/** @param identity the process it is about; null when there is nothing about that one. */
export const readAllocations = (path: string, identity: string): Allocations | null => {
  const text = readFileOrNull(path)
  if (text === null) return null
  try {
    const parsed = RecordSchema.safeParse(JSON.parse(text))
    return parsed.success && parsed.data.llamaServer === identity ? parsed.data.allocations : null
  } catch {
    return null
  }
}

export const writeAllocations = (path: string, identity: string, allocations: Allocations): void =>
  writePrivateFile(path, `${JSON.stringify({ llamaServer: identity, allocations })}\n`, {
    about: 'processes',
  })

// What one llama-server said it allocated, on disk: its log's first lines may be rotated away long before it ends.

import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import type { Allocations } from './allocations.ts'

const bytes = z.number().int().nonnegative()
const ModelSchema = z.strictObject({
  modelBytes: bytes,
  copiedBytes: bytes,
  mappedDevices: z.number().int().nonnegative(),
  kvBytes: bytes,
  computeBytes: bytes,
})
const RecordSchema = z.strictObject({
  llamaServer: z.string(),
  allocations: z.strictObject({ target: ModelSchema, draft: ModelSchema.nullable() }),
})

/** @param identity the process it is about; null when there is nothing about that one. */
export const readAllocations = (path: string, identity: string): Allocations | null => {
  const record = readRecord(path, RecordSchema)
  return record?.llamaServer === identity ? record.allocations : null
}

export const writeAllocations = (path: string, identity: string, allocations: Allocations): void =>
  writePrivateFile(path, `${JSON.stringify({ llamaServer: identity, allocations })}\n`, {
    about: 'processes',
  })

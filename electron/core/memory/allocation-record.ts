// Saves the allocations that llama-server logged at its start: log rotation may drop those lines while it still runs.

import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import { type Allocations, AllocationsSchema } from './allocations.ts'

const RecordSchema = z.strictObject({ llamaServer: z.string(), allocations: AllocationsSchema })

/** @param identity of the process. @returns null when nothing is recorded for it */
export const readAllocations = (path: string, identity: string): Allocations | null => {
  const record = readRecord(path, RecordSchema)
  return record?.llamaServer === identity ? record.allocations : null
}

export const writeAllocations = (path: string, identity: string, allocations: Allocations): void =>
  writePrivateFile(path, `${JSON.stringify({ llamaServer: identity, allocations })}\n`, {
    about: 'processes',
  })

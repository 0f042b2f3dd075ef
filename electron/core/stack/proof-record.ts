// The last end-to-end proof, on disk with the processes it proved, so that adopting them needs no second message.

import { z } from 'zod'
import { type Proof, ProofSchema } from '../../contract/snapshot.ts'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'

const RecordSchema = z.strictObject({ llamaServer: z.string(), proxy: z.string(), proof: ProofSchema })

/** The two processes that a proof covers, as opaque identities. */
export interface ProvedPair {
  readonly llamaServer: string
  readonly proxy: string
}

/** The proof for exactly these processes; null when there is none. */
export const readProof = (path: string, pair: ProvedPair): Proof | null => {
  const record = readRecord(path, RecordSchema)
  return record?.llamaServer === pair.llamaServer && record.proxy === pair.proxy ? record.proof : null
}

export const writeProof = (path: string, pair: ProvedPair, proof: Proof): void =>
  writePrivateFile(path, `${JSON.stringify({ ...pair, proof })}\n`, { about: 'processes' })

// The last end-to-end proof, on disk with the processes it was about: adopting them needs no second message.
import { z } from 'zod'
import { type Proof, ProofSchema } from '../contract.ts'
import { readFileOrNull, writePrivateFile } from './private-file.ts'

const RecordSchema = z.strictObject({ llamaServer: z.string(), proxy: z.string(), proof: ProofSchema })

/** Which two processes a proof is about, as opaque identities. */
export interface ProvedPair {
  readonly llamaServer: string
  readonly proxy: string
}

/** The proof for exactly these processes; null when there is none. */
export const readProof = (path: string, pair: ProvedPair): Proof | null => {
  const text = readFileOrNull(path)
  if (text === null) return null
  try {
    const parsed = RecordSchema.safeParse(JSON.parse(text))
    if (!parsed.success) return null
    const { llamaServer, proxy, proof } = parsed.data
    return llamaServer === pair.llamaServer && proxy === pair.proxy ? proof : null
  } catch {
    return null
  }
}

export const writeProof = (path: string, pair: ProvedPair, proof: Proof): void =>
  writePrivateFile(path, `${JSON.stringify({ ...pair, proof })}\n`, { about: 'processes' })

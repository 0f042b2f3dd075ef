// Answers "would a Claude request work?": proved once through the model, then re-checked cheaply. The last proof is on disk with
// the processes that it proved, so that adopting them needs no second message.

import { z } from 'zod'
import { type Proof, ProofSchema } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import type { LogError } from '../logs/core-log.ts'
import type { ChainFault } from '../router/litellm-health.ts'

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

export interface ProverOptions {
  readonly recordPath: string
  /** The processes that serve now; null unless both llama-server and LiteLLM serve. */
  readonly servingPair: () => ProvedPair | null
  /** Sends one message through the model. Throws an Error whose message is the reason. */
  readonly prove: (signal: AbortSignal) => Promise<Omit<Proof, 'checkedAt'>>
  /** Checks keys and both servers without the model; null when all is well. */
  readonly check: (signal: AbortSignal) => Promise<ChainFault | null>
  readonly onChange: () => void
  readonly logError: LogError
}

const checkTimeoutMs = 5_000
/** One refusal may fall between the writes of two key files. */
const refusalsToBelieve = 2

export const createProver = (options: ProverOptions) => {
  let proved: { readonly pair: ProvedPair; readonly proof: Proof } | null = null
  let failed: { readonly pair: ProvedPair; readonly reason: string } | null = null
  let attempt: { readonly pair: ProvedPair; readonly abort: AbortController } | null = null
  let refusals: { readonly pair: ProvedPair; readonly count: number } | null = null
  let closed = false

  const samePair = (a: ProvedPair, b: ProvedPair) => a.llamaServer === b.llamaServer && a.proxy === b.proxy

  const current = <T extends { readonly pair: ProvedPair }>(held: T | null): T | null => {
    const pair = options.servingPair()
    return held !== null && pair !== null && samePair(held.pair, pair) ? held : null
  }

  /** Only the next core needs the file, so a failed write does not fail the proof. */
  const keep = (pair: ProvedPair, proof: Proof): void => {
    try {
      writeProof(options.recordPath, pair, proof)
    } catch (error) {
      options.logError(new Error(`could not save the proof: ${messageOf(error)}`))
    }
  }

  const begin = async (pair: ProvedPair): Promise<void> => {
    const abort = new AbortController()
    attempt = { pair, abort }
    try {
      const proof: Proof = { ...(await options.prove(abort.signal)), checkedAt: null }
      // Aborted: the result is about processes that no longer serve, and must not replace a newer one.
      if (abort.signal.aborted) return
      proved = { pair, proof }
      failed = null
      keep(pair, proof)
    } catch (error) {
      if (abort.signal.aborted) return
      failed = { pair, reason: messageOf(error) }
    } finally {
      if (attempt?.abort === abort) attempt = null
      if (!abort.signal.aborted) options.onChange()
    }
  }

  const believe = (pair: ProvedPair, reason: string): void => {
    refusals = { pair, count: (current(refusals)?.count ?? 0) + 1 }
    if (refusals.count < refusalsToBelieve || current(proved) === null) return
    proved = null
    failed = { pair, reason }
    options.onChange()
  }

  /** Call at every phase change: starts a proof when there is something new to prove. */
  const consider = (): void => {
    if (closed) return
    const pair = options.servingPair()
    if (attempt !== null && (pair === null || !samePair(attempt.pair, pair))) {
      attempt.abort.abort()
      attempt = null
    }
    if (pair === null || attempt !== null || current(proved) !== null || current(failed) !== null) return
    const recorded = readProof(options.recordPath, pair)
    if (recorded !== null) proved = { pair, proof: recorded }
    else void begin(pair)
  }

  return {
    proof: () => current(proved)?.proof ?? null,
    failure: () => current(failed)?.reason ?? null,
    consider,
    /** The user asks again: drops a failed proof and starts a new one. */
    retry: (): void => {
      failed = null
      consider()
    },
    /**
     * The cheap check; proves again if the last proof failed. Returns the fault. Two refusals in a row end the proof; a missing
     * answer is left to the servers' own health checks.
     */
    recheck: async (): Promise<ChainFault | null> => {
      const pair = options.servingPair()
      if (pair === null || closed) return null
      const broken = await options.check(AbortSignal.timeout(checkTimeoutMs))
      const now = options.servingPair()
      // A process was replaced during the check, so its result applies to neither.
      if (now === null || !samePair(now, pair) || closed) return null
      if (broken !== null) {
        if (broken.kind === 'refused') believe(pair, broken.reason)
        return broken
      }
      refusals = null
      const held = current(proved)
      if (held !== null) proved = { pair, proof: { ...held.proof, checkedAt: Date.now() } }
      else if (attempt === null) void begin(pair)
      return null
    },
    close: () => {
      closed = true
      attempt?.abort.abort()
    },
  }
}

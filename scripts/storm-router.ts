// Hostile bodies through the real Router with a valid key: each gets an answer, never a server error, and the Router survives.
import * as fc from 'fast-check'
import { askRouter, describeFailure } from './ask-servers.ts'
import type { BenchStack } from './bench-stack.ts'
import { findFault, hostileJson } from './storm-inputs.ts'
import samples from './storm-samples.json' with { type: 'json' }

const paths = [
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/chat/completions',
  '/v1/completions',
] as const
/** A body that turns out valid may generate for long, so its client leaves. */
const patienceMs = 2_000
const bodies = fc.record({ path: fc.constantFrom(...paths), body: hostileJson(samples.bodies.messages) })

/** How many were sent, and the fault; null: none. */
export const sendHostileBodies = async (
  stack: BenchStack,
  seed: number,
  numRuns: number,
): Promise<{ readonly sent: number; readonly fault: string | null }> => {
  let sent = 0
  const send = async ({ path, body }: { readonly path: string; readonly body: string }) => {
    stack.signal.throwIfAborted()
    sent += 1
    const leaving = AbortSignal.timeout(patienceMs)
    try {
      const response = await askRouter(stack, path, body, { leaving })
      const text = await response.text()
      // 529 means "full", and clients rightly retry.
      if (response.status >= 500 && response.status !== 529)
        throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`)
    } catch (error) {
      if (!leaving.aborted) throw new Error(describeFailure(error))
    }
  }
  return { fault: await findFault(bodies, send, { seed, numRuns, endOnFailure: true }), sent }
}

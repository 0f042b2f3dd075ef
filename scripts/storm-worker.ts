// The worker for hostile inputs: draws them, runs the targets, and announces each input to the main thread, so that an input
// that hangs is known there.
import { parentPort } from 'node:worker_threads'
import { findFault } from './storm-inputs.ts'
import { createTargets, judgeAnswer, type Target } from './storm-targets.ts'

export interface WorkerOrder {
  readonly seed: number
  readonly inputsEach: number
  readonly only: string | null
  /** For files to read; its creator removes it, since a hanging worker is terminated. */
  readonly folder: string
  /** The number of inputs begun, followed by the current input. */
  readonly current: SharedArrayBuffer
}

/** Bytes of the counter before the input. */
export const counterBytes = 4

export type WorkerNews =
  | { readonly kind: 'target'; readonly name: string }
  | {
      readonly kind: 'done'
      readonly name: string
      readonly inputs: number
      readonly slowestMs: number
      readonly fault: string | null
    }

/** CPU time of one input; normally well under a millisecond. */
const mostMs = 2_000

export const runTargets = async ({ seed, inputsEach, only, current, folder }: WorkerOrder): Promise<void> => {
  for (const target of createTargets(folder)) {
    if (only !== null && target.name !== only) continue
    tell({ kind: 'target', name: target.name })
    tell({ kind: 'done', name: target.name, ...(await runTarget(target, seed, inputsEach, current)) })
  }
}

const tell = (news: WorkerNews): void => parentPort?.postMessage(news)

const runTarget = async (target: Target, seed: number, numRuns: number, current: SharedArrayBuffer) => {
  const shown = new Uint8Array(current, counterBytes)
  const counter = new Int32Array(current, 0, 1)
  let slowestMs = 0
  let inputs = 0
  const run = async (input: string) => {
    inputs += 1
    shown.fill(0)
    Atomics.add(counter, 0, 1)
    new TextEncoder().encodeInto(input, shown)
    const before = process.cpuUsage()
    judgeAnswer(await target.run(input))
    const { user } = process.cpuUsage(before)
    slowestMs = Math.max(slowestMs, user / 1000)
    if (user / 1000 > mostMs) throw new Error(`it took ${Math.round(user / 1000)} ms of CPU time`)
  }
  // The limit is for shrinking a failing input.
  const fault = await findFault(target.inputs, run, { seed, numRuns, interruptAfterTimeLimit: 20_000 })
  return { inputs, slowestMs, fault }
}

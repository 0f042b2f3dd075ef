// What watching costs the model: tokens per second with core and live view, and without a core.
import { z } from 'zod'
import { findProcessesOf, killAll } from './bench-processes.ts'
import type { Comparison, PartReport, Sample } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { readServerSentEvents } from './bench-stream.ts'
import { undisturbed } from './bench-undisturbed.ts'

/**
 * Many runs of a few seconds each: the core polls once a second, and other load on the machine varies within seconds by more
 * than the 1 % in question.
 */
const tokensPerRun = 160
const readyTimeoutMs = 120_000

export const benchWatching = async (stack: BenchStack, runs: number): Promise<PartReport> => {
  await stack.up()
  // A server's first answer is the slowest.
  await measureTokensPerSecond(stack)
  const samples: Sample[] = []
  for (let run = 0; run < runs; run += 1) {
    // A B, B A, A B ...: so drift favours neither side.
    const watchedFirst = run % 2 === 0
    const first = await (watchedFirst ? measureWatched(stack) : measureAlone(stack))
    const second = await (watchedFirst ? measureAlone(stack) : measureWatched(stack))
    samples.push(
      watchedFirst ? { measured: first, reference: second } : { measured: second, reference: first },
    )
  }
  await stack.up()
  await stack.down()
  const best: Sample = {
    measured: Math.max(...samples.map(({ measured }) => measured)),
    reference: Math.max(...samples.map(({ reference }) => reference)),
  }
  const compare = (what: string, compared: readonly Sample[], goal: Comparison['goal']): Comparison => ({
    part: 'watching',
    what,
    unit: 'tokens/s',
    samples: compared,
    against: 'without a core',
    goal,
  })
  return {
    comparisons: [
      compare('model watched at 1 Hz by core and status --watch', samples, {
        text: 'ratio >= 0.99',
        minRatio: 0.99,
      }),
      // The least disturbed run of each side: the better estimate on a busy machine.
      compare('the same, best run of each', [best], null),
    ],
    stages: [],
  }
}

/** The core of `nexus up` adopts the servers that the core before it left running. */
const measureWatched = async (stack: BenchStack): Promise<number> => {
  await stack.up()
  const stopWatching = await stack.watchFromOutside()
  try {
    await stack.until(({ overall, slots }) => overall === 'ready' && slots !== null, readyTimeoutMs)
    return await undisturbed(stack, () => measureTokensPerSecond(stack))
  } finally {
    await stopWatching()
  }
}

const measureAlone = async (stack: BenchStack): Promise<number> => {
  const servers = [stack.ledgerEntry('llamaServer').pid, stack.ledgerEntry('proxy').pid]
  await killAll(findProcessesOf(stack.folder.root).filter((pid) => !servers.includes(pid)))
  return undisturbed(stack, () => measureTokensPerSecond(stack))
}

const PieceSchema = z.object({ stop: z.boolean(), tokens_predicted: z.number().optional() })

/** As seen by a client: from the first token to the last. */
const measureTokensPerSecond = async (stack: BenchStack): Promise<number> => {
  const response = await fetch(`${stack.engineUrl}/completion`, {
    method: 'POST',
    signal: stack.signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.engineKey()}` },
    // The same text, computed again each time: no random sampling, no cache.
    body: JSON.stringify({
      prompt: 'One, two, three,',
      n_predict: tokensPerRun,
      ignore_eos: true,
      temperature: 0,
      cache_prompt: false,
      stream: true,
    }),
  })
  let firstAtMs: number | null = null
  for await (const text of readServerSentEvents(response)) {
    const atMs = performance.now()
    const piece = PieceSchema.parse(JSON.parse(text))
    if (firstAtMs === null) firstAtMs = atMs
    if (!piece.stop) continue
    const tokens = piece.tokens_predicted ?? 0
    if (tokens !== tokensPerRun) throw new Error(`llama-server made ${tokens} tokens, not ${tokensPerRun}`)
    return ((tokens - 1) * 1000) / (atMs - firstAtMs)
  }
  throw new Error('the stream of llama-server ended without its last piece')
}

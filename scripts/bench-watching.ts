// What watching costs the model: tokens per second with core and live view, and without a core.
import { z } from 'zod'
import { askEngine, readServerSentEvents } from './ask-servers.ts'
import { type Comparison, measureInTurn } from './bench-report.ts'
import type { BenchStack } from './bench-stack.ts'
import { undisturbed } from './bench-undisturbed.ts'
import { findProcessesOf, killAll } from './processes.ts'

/**
 * Many runs of a few seconds each: the core polls once a second, and other load on the machine varies within seconds by more
 * than the 1 % in question.
 */
const tokensPerRun = 160

export const benchWatching = async (stack: BenchStack, runs: number): Promise<readonly Comparison[]> => {
  await stack.up()
  // A server's first answer is the slowest.
  await measureTokensPerSecond(stack)
  const samples = await measureInTurn(
    runs,
    () => measureWatched(stack),
    () => measureAlone(stack),
  )
  await stack.up()
  await stack.down()
  const best = {
    measured: Math.max(...samples.map(({ measured }) => measured)),
    reference: Math.max(...samples.map(({ reference }) => reference)),
  }
  const common = { unit: 'tokens/s', against: 'without a core' } as const
  return [
    {
      ...common,
      what: 'model watched at 1 Hz by core and status --watch',
      samples,
      goal: { minRatio: 0.99 },
    },
    // The least disturbed run of each side: the better estimate on a busy machine.
    { ...common, what: 'the same, best run of each', samples: [best], goal: null },
  ]
}

/** The core of `nexus up` adopts the servers that the core before it left running. */
const measureWatched = async (stack: BenchStack): Promise<number> => {
  await stack.up()
  return stack.watchedFromOutside(async () => {
    await stack.until(({ overall, slots }) => overall === 'ready' && slots !== null)
    return undisturbed(stack, () => measureTokensPerSecond(stack))
  })
}

const measureAlone = async (stack: BenchStack): Promise<number> => {
  const servers = [stack.ledgerEntry('llamaServer').pid, stack.ledgerEntry('proxy').pid]
  await killAll(findProcessesOf(stack.home).filter((pid) => !servers.includes(pid)))
  return undisturbed(stack, () => measureTokensPerSecond(stack))
}

const PieceSchema = z.object({ stop: z.boolean(), tokens_predicted: z.number().optional() })

/** As seen by a client: from the first token to the last. */
const measureTokensPerSecond = async (stack: BenchStack): Promise<number> => {
  // The same text, computed again each time: no random sampling, no cache.
  const response = await askEngine(stack, '/completion', {
    prompt: 'One, two, three,',
    n_predict: tokensPerRun,
    ignore_eos: true,
    temperature: 0,
    cache_prompt: false,
    stream: true,
  })
  let firstAtMs: number | null = null
  for await (const text of readServerSentEvents(response)) {
    const atMs = performance.now()
    firstAtMs ??= atMs
    const piece = PieceSchema.parse(JSON.parse(text))
    if (!piece.stop) continue
    const tokens = piece.tokens_predicted ?? 0
    if (tokens !== tokensPerRun) throw new Error(`llama-server made ${tokens} tokens, not ${tokensPerRun}`)
    return ((tokens - 1) * 1000) / (atMs - firstAtMs)
  }
  throw new Error('the stream of llama-server ended without its last piece')
}

// The real servers: hostile bodies first, then load from agents that stream, wait for the whole answer, or hang up in the
// middle. Memory and file descriptors must stay level, and no slot may stay taken.
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { z } from 'zod'
import { askRouter, describeFailure } from './ask-servers.ts'
import { median } from './bench-report.ts'
import { type BenchStack, createBenchStack } from './bench-stack.ts'
import { countDescriptors, readResidentBytes } from './processes.ts'
import { findFault, hostileJson } from './storm-inputs.ts'
import { onOwnStack, type StormPart } from './storm-part.ts'
import samples from './storm-samples.json' with { type: 'json' }

const sampleEveryMs = 2_000
/** A slot is free again once llama-server notices, at the end of its batch (promised: 2 s). */
const freeWithinMs = 5_000
const mebibyte = 1_048_576
/** Allowed relative growth between the second and the last third of the run: caches fill during the first. */
const mostGrowthShare = 0.05
const mostGrowthBytes = 12 * mebibyte
/**
 * llama-server caches prompts of reassigned slots (`--cache-ram`, 256 MiB in the demo profile) and fills that cache for
 * minutes: measured 374 -> 535 MB in 150 s. So its whole growth is compared with the size of that cache.
 */
const promptCacheBytes = 256 * mebibyte
const mostNewDescriptors = 10
/** In a third of the run; with fewer a growth says nothing. */
const leastReadings = 10

const programs = ['core', 'llama-server', 'LiteLLM'] as const
type Program = (typeof programs)[number]

interface Reading {
  readonly bytes: number
  readonly descriptors: number
}
type Sample = Readonly<Record<Program, Reading>>

interface Tally {
  finished: number
  hungUp: number
  busiest: number
  readonly errors: string[]
}

/** One request: the kind of answer, and when its client leaves; null: it stays. */
const requests = fc.record({
  stream: fc.boolean(),
  leavesAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { freq: 2 }),
  maxTokens: fc.integer({ min: 1, max: 80 }),
  words: fc.integer({ min: 1, max: 300 }),
})
type Request = typeof requests extends fc.Arbitrary<infer T> ? T : never

export const stormEndurance = async (part: StormPart): Promise<string> => {
  const { root, seed, size, signal } = part
  const { seconds, clients, bodies } = size
  const tally: Tally = { finished: 0, hungUp: 0, busiest: 0, errors: [] }
  const fail = (what: string, ...reasons: string[]) => part.fail(null, what, ...reasons)
  const stack = await createBenchStack(root, signal)
  let figures = 'not reached'
  await onOwnStack(stack, part.fail, async (traces) => {
    await stack.up()
    const hostile = await sendHostileBodies(stack, seed, bodies)
    if (hostile.fault !== null) fail('a hostile body', hostile.fault)
    const before = await readSample(stack)
    const over = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
    // More than any client has time for.
    const drawn = fc.sample(requests, { seed, numRuns: clients * seconds * 4 })
    const runClient = async (client: number) => {
      for (let next = client; next < drawn.length && !over.aborted; next += clients)
        await send(stack, drawn[next], tally, over)
    }
    const [taken] = await Promise.all([
      watchLoad(stack, tally, over),
      ...Array.from({ length: clients }, (_, client) => runClient(client)),
    ])
    const freeAfterMs = await untilFree(stack)
    if (freeAfterMs === null)
      fail('slots', `some are still busy ${freeWithinMs / 1000} s after all clients left`)
    if (tally.errors.length > 0) fail('requests', ...new Set(tally.errors))
    const after = await readSample(stack)
    for (const program of programs) {
      const fault = judgeGrowth(program, before[program], after[program], taken)
      if (fault !== null) fail('memory and file descriptors', fault)
    }
    const logs = await stack.nexus('logs', 'proxy', '--lines', '2000')
    const leaks = traces.find(logs.stdout, 'nexus logs proxy printed')
    if (leaks.length > 0) fail('logs', ...leaks)
    const both = (program: Program) =>
      `${program} ${megabytes(before[program].bytes)} -> ${megabytes(after[program].bytes)} MB, ${before[program].descriptors} -> ${after[program].descriptors} descriptors`
    figures =
      `${hostile.sent} hostile bodies; ${seconds} s, ${clients} clients: ${tally.finished} answers, ${tally.hungUp} hang-ups, ${tally.errors.length} errors; ` +
      `at most ${tally.busiest} slots busy, free again after ${Math.round(freeAfterMs ?? -1)} ms; ${programs.map(both).join('; ')}`
  })
  return figures
}

const routerPaths = [
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/chat/completions',
  '/v1/completions',
] as const
/** A body that turns out valid may generate for long, so its client leaves. */
const patienceMs = 2_000
const hostileBodies = fc.record({
  path: fc.constantFrom(...routerPaths),
  body: hostileJson(samples.bodies.messages),
})

/**
 * Hostile bodies through the Router with a valid key: each gets an answer, never a server error, and the Router survives.
 * Returns how many were sent, and the fault; null: none.
 */
const sendHostileBodies = async (
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
  return { fault: await findFault(hostileBodies, send, { seed, numRuns, endOnFailure: true }), sent }
}

const megabytes = (bytes: number): number => Math.round(bytes / mebibyte)

/** null: level. */
const judgeGrowth = (
  program: Program,
  before: Reading,
  after: Reading,
  taken: readonly Sample[],
): string | null => {
  const more = after.descriptors - before.descriptors
  if (more > mostNewDescriptors) return `${program} has ${more} more file descriptors than before`
  const allowed = (bytes: number) => mostGrowthBytes + bytes * mostGrowthShare
  if (program === 'llama-server' && after.bytes < before.bytes + promptCacheBytes + allowed(before.bytes))
    return null
  const third = Math.floor(taken.length / 3)
  if (third < leastReadings) return null
  const series = taken.map((sample) => sample[program].bytes)
  const from = median(series.slice(third, 2 * third))
  const grown = median(series.slice(2 * third)) - from
  return grown <= allowed(from)
    ? null
    : `${program} grew by ${megabytes(grown)} MB between the second and the last third`
}

const send = async (
  stack: BenchStack,
  request: Request | undefined,
  tally: Tally,
  over: AbortSignal,
): Promise<void> => {
  if (request === undefined) return
  const { stream, leavesAfterMs, maxTokens, words } = request
  const leaving = leavesAfterMs === null ? over : AbortSignal.any([over, AbortSignal.timeout(leavesAfterMs)])
  const body = {
    model: 'claude-3-5-sonnet-20241022',
    max_tokens: maxTokens,
    stream,
    messages: [{ role: 'user', content: 'Count. '.repeat(words) }],
  }
  try {
    const response = await askRouter(stack, '/v1/messages', body, { leaving })
    const text = await response.text()
    if (!response.ok) tally.errors.push(`HTTP ${response.status}: ${text.slice(0, 300)}`)
    else if (stream && !text.includes('message_stop'))
      tally.errors.push('a stream ended without message_stop')
    else tally.finished += 1
  } catch (error) {
    if (leaving.aborted) tally.hungUp += 1
    else tally.errors.push(describeFailure(error))
  }
}

const watchLoad = (stack: BenchStack, tally: Tally, over: AbortSignal): Promise<readonly Sample[]> =>
  stack.withCore(async (core) => {
    const taken: Sample[] = []
    core.watch(({ slots }) => {
      const busy = slots?.filter(({ phase }) => phase !== 'idle').length ?? 0
      tally.busiest = Math.max(tally.busiest, busy)
    })
    while (!over.aborted) {
      taken.push(await readSample(stack))
      await sleep(sampleEveryMs, undefined, { signal: over }).catch(() => {})
    }
    return taken
  })

const SlotsSchema = z.array(z.object({ is_processing: z.boolean() }))

/** ms until the engine itself reports no busy slot; null when some stay busy. */
const untilFree = async (stack: BenchStack): Promise<number | null> => {
  const began = performance.now()
  while (performance.now() - began < freeWithinMs) {
    const headers = { authorization: `Bearer ${stack.engineKey()}` }
    const slots = SlotsSchema.parse(await (await fetch(`${stack.engineUrl}/slots`, { headers })).json())
    if (!slots.some((slot) => slot.is_processing)) return performance.now() - began
    await sleep(50)
  }
  return null
}

const readSample = async (stack: BenchStack): Promise<Sample> => {
  const read = (pid: number): Reading => ({
    bytes: readResidentBytes(pid),
    descriptors: countDescriptors(pid),
  })
  return {
    core: read((await stack.readSnapshot()).owner.pid),
    'llama-server': read(stack.ledgerEntry('llamaServer').pid),
    LiteLLM: read(stack.ledgerEntry('proxy').pid),
  }
}

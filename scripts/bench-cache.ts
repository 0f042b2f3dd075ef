// How much an agent's next turn reads again: tokens read / new tokens, on the real servers and a dense model.
import { connect } from 'node:net'
import { z } from 'zod'
import { askEngine } from './ask-servers.ts'
import {
  type Agent,
  type Answer,
  askAtOnce,
  createAgent,
  createAgents,
  takeTurn,
  takeTurns,
  wordsOf,
} from './bench-agents.ts'
import { type Comparison, type Sample, sumOf } from './bench-report.ts'
import { type BenchStack, createBenchStack } from './bench-stack.ts'
import { say } from './run-script.ts'

const feedMs = 120_000
const turns = 3

/** One pool of four slots, as in the studio profile. */
const llamaServer = { unifiedKv: true, contextTokens: 8_192 }

export const benchCache = async ({ root, signal }: BenchStack): Promise<readonly Comparison[]> => {
  const pinned = await withStack(root, signal, { llamaServer }, async (stack) => [
    ...(await compareOrders(stack)),
    ...(await compareMoreThanSlots(stack)),
    await compareNewSession(stack),
    await compareSubagents(stack),
    ...(await compareRestarts(stack)),
    ...(await compareCrowd(stack)),
  ])
  const unpinned = { llamaServer, proxy: { pinConversations: false } }
  const today = await withStack(root, signal, unpinned, async (stack) => {
    const what = '4 agents in turn, llama-server picks the slots (proxy.pinConversations: false)'
    announce(what)
    return compare(what, await takeTurns(stack, createAgents('today', 4), turns, 'in turn'), null)
  })
  return [...pinned, today]
}

const withStack = async <T>(
  root: string,
  signal: AbortSignal,
  over: Parameters<typeof createBenchStack>[2],
  measure: (stack: BenchStack) => Promise<T>,
): Promise<T> => {
  const stack = await createBenchStack(root, signal, over)
  try {
    await stack.up()
    return await measure(stack)
  } finally {
    await stack.remove()
  }
}

/** Announces a case, since each takes up to a minute on a busy machine. */
const announce = (what: string): void => say('bench', `cache: ${what} ...`)

/** Over all answers but each conversation's first, whose whole prompt is new. */
const compare = (what: string, answers: readonly Answer[], maxRatio: number | null): Comparison => {
  const later = answers.filter(({ newTokens }) => newTokens !== null)
  const measured = sumOf(later.map(({ readTokens }) => readTokens))
  const reference = sumOf(later.map(({ newTokens }) => newTokens ?? 0))
  return single(what, 'tokens', { measured, reference }, 'tokens that were new', maxRatio)
}

const single = (
  what: string,
  unit: Comparison['unit'],
  sample: Sample,
  against: string,
  maxRatio: number | null,
): Comparison => ({ what, unit, samples: [sample], against, goal: maxRatio === null ? null : { maxRatio } })

const compareOrders = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  const comparisons: Comparison[] = []
  for (const order of ['in turn', 'random', 'at once'] as const) {
    announce(`4 agents ${order}`)
    // Alternates between header and text: both must work.
    const agents = createAgents(`order ${order}`, 4, order !== 'in turn')
    const answers = await takeTurns(stack, agents, turns, order)
    comparisons.push(compare(`4 agents on 4 slots, ${order}`, answers, 1.05))
  }
  return comparisons
}

const compareMoreThanSlots = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  announce('8 agents')
  const before = await readMovedMs(stack)
  const answers = await takeTurns(stack, createAgents('eight', 8), turns, 'random')
  const movedMs = (await readMovedMs(stack)) - before
  const first = answers.filter(({ newTokens }) => newTokens === null)
  const msPerToken =
    sumOf(first.map(({ milliseconds }) => milliseconds)) / sumOf(first.map(({ readTokens }) => readTokens))
  const foundTokens = sumOf(answers.map(({ cachedTokens }) => cachedTokens))
  const parking = { measured: movedMs / 1_000, reference: (foundTokens * msPerToken) / 1_000 }
  return [
    compare('8 agents on 4 slots, random', answers, 1.1),
    single('parking and restoring for 8 agents', 's', parking, 'reading again what was found', 0.05),
  ]
}

const compareNewSession = async (stack: BenchStack): Promise<Comparison> => {
  announce('a new session')
  const before = await takeTurn(stack, createAgent('session 0'))
  const answer = await takeTurn(stack, createAgent('session 1'))
  const sharedTokens = await countShared(stack, before.prompt, answer.prompt)
  const { readTokens: measured, cachedTokens } = answer
  const sample = { measured, reference: measured + cachedTokens - sharedTokens }
  const what = "first turn of a developer's new session"
  return single(what, 'tokens', sample, 'what differs from the last session', 1.05)
}

const compareSubagents = async (stack: BenchStack): Promise<Comparison> => {
  announce('subagents')
  const parent = createAgent('parent')
  const family = [parent, ...['a1', 'a2'].map((agentId) => subagentOf(parent, agentId))]
  return compare('2 subagents beside their parent', await takeTurns(stack, family, turns, 'random'), 1.1)
}

const subagentOf = (parent: Agent, agentId: string): Agent => ({
  ...parent,
  name: `${parent.name} ${agentId}`,
  system: `You are a subagent. ${wordsOf(`${parent.name} ${agentId} rules`, 80)}`,
  messages: [],
  headers: { ...parent.headers, 'x-claude-code-agent-id': agentId, 'x-claude-code-parent-agent-id': 'main' },
})

const compareRestarts = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  const agents = createAgents('restart', 4)
  await takeTurns(stack, agents, 2, 'in turn')
  const ways = {
    'nexus restart': async () => void (await stack.nexus('restart')),
    'kill -9 of llama-server': () => killEngine(stack),
    'a new core': () => replaceCore(stack),
  }
  const comparisons: Comparison[] = []
  for (const [name, happen] of Object.entries(ways)) {
    announce(name)
    await happen()
    await stack.until()
    comparisons.push(compare(`4 agents after ${name}`, await takeTurns(stack, agents, 1, 'in turn'), 1.1))
  }
  return comparisons
}

const crowdMs = 300_000

const compareCrowd = async (stack: BenchStack): Promise<readonly Comparison[]> => {
  announce(`6 clients on 4 slots for ${crowdMs / 60_000} minutes`)
  const until = performance.now() + crowdMs
  const clients = Array.from({ length: 6 }, () => stack)
  const { answers, lost } = await askAtOnce(clients, 'crowd', () => performance.now() < until)
  for (const reason of lost) announce(`lost: ${reason}`)
  const what = '6 clients on 4 slots at once, for 5 minutes'
  const asked = { measured: answers.length + lost.length, reference: answers.length }
  return [compare(what, answers, 1.1), single(what, 'requests', asked, 'answered', 1)]
}

/** A conversation whose copy was interrupted is read again; conversations this small are copied at once. */
const killEngine = async (stack: BenchStack): Promise<void> => {
  await readFeed(stack, ({ slots }) =>
    slots.every(({ conversation, isSaved }) => conversation === null || isSaved),
  )
  const { pid } = stack.ledgerEntry('llamaServer')
  process.kill(pid, 'SIGKILL')
  await stack.until(
    ({ services }) => services.llamaServer.phase === 'ready' && services.llamaServer.pid !== pid,
  )
}

/** As after a crash: the services outlive the core and are taken over. */
const replaceCore = async (stack: BenchStack): Promise<void> => {
  await stack.withCore(async (core) => {
    const { owner } = await core.readSnapshot()
    process.kill(owner.pid, 'SIGKILL')
    await core.closed
  })
  await stack.up()
}

/** As the Router reports it (resources/opta_cache.py). */
const FeedSchema = z.object({
  slots: z.array(z.object({ conversation: z.string().nullable(), isSaved: z.boolean() })),
  parked: z.object({ movedMs: z.number() }).nullable(),
})
type FeedState = z.infer<typeof FeedSchema>

/** The first matching state of the Router. */
const readFeed = async ({ folder }: BenchStack, fits: (state: FeedState) => boolean): Promise<FeedState> => {
  const socket = connect(folder.feedSocketPath).setEncoding('utf8')
  socket.setTimeout(feedMs, () => socket.destroy(new Error('the Router did not report it in time')))
  let rest = ''
  for await (const piece of socket) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    const found = lines.map((line) => FeedSchema.parse(JSON.parse(line))).find(fits)
    if (found !== undefined) return found
  }
  throw new Error('the Router hung up')
}

const readMovedMs = async (stack: BenchStack): Promise<number> => {
  const { parked } = await readFeed(stack, () => true)
  if (parked === null) throw new Error('the Router parks nothing')
  return parked.movedMs
}

const RenderedSchema = z.object({ prompt: z.string() })
const TokensSchema = z.object({ tokens: z.array(z.number()) })

/** The number of leading tokens that two prompts share, by llama-server's own template and tokenizer. */
const countShared = async (
  stack: BenchStack,
  first: readonly object[],
  second: readonly object[],
): Promise<number> => {
  const ask = async (path: string, body: object): Promise<unknown> =>
    (await askEngine(stack, path, body)).json()
  const tokensOf = async (messages: readonly object[]) => {
    const { prompt } = RenderedSchema.parse(await ask('/apply-template', { messages }))
    return TokensSchema.parse(await ask('/tokenize', { content: prompt, parse_special: true })).tokens
  }
  const [one, other] = [await tokensOf(first), await tokensOf(second)]
  const differs = one.findIndex((token, index) => token !== other[index])
  return differs === -1 ? one.length : differs
}

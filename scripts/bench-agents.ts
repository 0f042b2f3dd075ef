// Agents that take turns through the Router as Claude Code's do: a shared system prompt, and a conversation each.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { messageOf } from '../electron/core/base/error-message.ts'
import type { BenchStack } from './bench-stack.ts'

export interface Agent {
  readonly name: string
  readonly system: string
  readonly headers: Readonly<Record<string, string>>
  /** Grows with each turn. */
  readonly messages: { readonly role: 'user' | 'assistant'; readonly content: string }[]
}

export interface Answer {
  readonly readTokens: number
  readonly cachedTokens: number
  /** Prompt tokens that were not in the previous prompt; null for the first. */
  readonly newTokens: number | null
  readonly milliseconds: number
  /** As llama-server got it, to find the common part of two prompts. */
  readonly prompt: readonly object[]
}

/** The Router for the turns, and the key. */
export type AskedRouter = Pick<BenchStack, 'routerUrl' | 'clientKey' | 'signal'>

export type Order = 'in turn' | 'random' | 'at once'

const vocabulary =
  'red blue green box file line tree node port slot disk build test code main loop read write'.split(' ')

/** The same words for the same seed. */
export const wordsOf = (seed: string, count: number): string => {
  const next = numbersOf(seed)
  return Array.from({ length: count }, () => vocabulary[next() % vocabulary.length]).join(' ')
}

/** xorshift32 (Marsaglia 2003), whole numbers from 0. */
const numbersOf = (seed: string): (() => number) => {
  let state = createHash('sha256').update(seed).digest().readUInt32LE() || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const sharedSystem = `You are an agent. ${wordsOf('system', 220)}`

/** @param named whether each agent sends a session header, as Claude Code does */
export const createAgents = (group: string, count: number, named = true): readonly Agent[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `${group} ${index}`,
    system: sharedSystem,
    headers: named ? { 'x-claude-code-session-id': `session ${group} ${index}` } : {},
    messages: [],
  }))

/** Prompt tokens of each agent's last turn. */
const lengths = new WeakMap<Agent['messages'], number>()

export const takeTurns = async (
  router: AskedRouter,
  agents: readonly Agent[],
  turns: number,
  order: Order,
): Promise<readonly Answer[]> => {
  const answers: Answer[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    if (order === 'at once') {
      answers.push(...(await Promise.all(agents.map((agent) => takeTurn(router, agent)))))
      continue
    }
    const next = numbersOf(`order ${turn}`)
    const ranked = agents.map((agent) => ({ agent, rank: next() }))
    const sorted = order === 'random' ? ranked.toSorted((a, b) => a.rank - b.rank) : ranked
    for (const { agent } of sorted) answers.push(await takeTurn(router, agent))
  }
  return answers
}

export const startConversation = (router: AskedRouter, agent: Agent): Promise<Answer> =>
  takeTurn(router, agent)

export interface Crowd {
  readonly answers: readonly Answer[]
  /** The reason for each request without an answer. */
  readonly lost: readonly string[]
}

/** Starts a new conversation before one outgrows its slot. */
const mostMessages = 16

/**
 * Each agent asks again as soon as it gets an answer; waits for all answers.
 * @param goesOn called before each turn, with the number of turns that this agent has taken
 */
export const askAtOnce = async (
  routers: readonly AskedRouter[],
  group: string,
  goesOn: (turns: number) => boolean,
): Promise<Crowd> => {
  const answers: Answer[] = []
  const lost: string[] = []
  await Promise.all(
    routers.map(async (router, index) => {
      let agent: Agent | undefined
      for (let turns = 0; goesOn(turns); turns += 1) {
        if (agent === undefined || agent.messages.length >= mostMessages)
          agent = createAgents(`${group} ${index} ${turns}`, 1)[0]
        if (agent === undefined) throw new Error('one was made')
        try {
          answers.push(await takeTurn(router, agent))
        } catch (error) {
          lost.push(messageOf(error))
          agent = undefined
        }
      }
    }),
  )
  return { answers, lost }
}

const AnswerSchema = z.object({
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  usage: z.object({ input_tokens: z.number(), cache_read_input_tokens: z.number().nullish() }),
})

const takeTurn = async (router: AskedRouter, agent: Agent): Promise<Answer> => {
  const { messages, system } = agent
  const text = wordsOf(`${agent.name} ${messages.length}`, 60)
  messages.push({ role: 'user', content: `${agent.name}, message ${messages.length}: ${text}` })
  const prompt = [{ role: 'system', content: system }, ...messages]
  const began = performance.now()
  const response = await fetch(`${router.routerUrl}/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-api-key': router.clientKey(),
      ...agent.headers,
    },
    body: JSON.stringify({ model: 'opta-claude-3-r1', max_tokens: 8, system, messages }),
    signal: router.signal,
  })
  if (!response.ok) throw new Error(`the Router answered ${response.status}: ${await response.text()}`)
  const { content, usage } = AnswerSchema.parse(await response.json())
  messages.push({ role: 'assistant', content: content.map((block) => block.text ?? '').join('') || 'ok' })
  const cachedTokens = usage.cache_read_input_tokens ?? 0
  const length = usage.input_tokens + cachedTokens
  const before = lengths.get(messages)
  lengths.set(messages, length)
  return {
    readTokens: usage.input_tokens,
    cachedTokens,
    newTokens: before === undefined ? null : length - before,
    milliseconds: performance.now() - began,
    prompt,
  }
}

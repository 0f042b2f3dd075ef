// Agents that take turns through the Router as Claude Code's do: a shared system prompt, and a conversation each.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { messageOf } from '../electron/core/base/error-message.ts'
import { type AskedRouter, askRouter } from './ask-servers.ts'

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

export type Order = 'in turn' | 'random' | 'at once'

const vocabulary =
  'red blue green box file line tree node port slot disk build test code main loop read write'.split(' ')

const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE()

/** The same words for the same seed. */
export const wordsOf = (seed: string, count: number): string =>
  Array.from({ length: count }, (_, at) => vocabulary[numberOf(`${seed} ${at}`) % vocabulary.length]).join(
    ' ',
  )

const sharedSystem = `You are an agent. ${wordsOf('system', 220)}`

/** @param named whether it sends a session header, as Claude Code does */
export const createAgent = (name: string, named = true): Agent => ({
  name,
  system: sharedSystem,
  headers: named ? { 'x-claude-code-session-id': `session ${name}` } : {},
  messages: [],
})

export const createAgents = (group: string, count: number, named = true): readonly Agent[] =>
  Array.from({ length: count }, (_, index) => createAgent(`${group} ${index}`, named))

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
    const rank = ({ name }: Agent) => numberOf(`order ${turn} ${name}`)
    const sorted = order === 'random' ? agents.toSorted((a, b) => rank(a) - rank(b)) : agents
    for (const agent of sorted) answers.push(await takeTurn(router, agent))
  }
  return answers
}

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
      let agent: Agent | null = null
      for (let turns = 0; goesOn(turns); turns += 1) {
        if (agent === null || agent.messages.length >= mostMessages)
          agent = createAgent(`${group} ${index} ${turns}`)
        try {
          answers.push(await takeTurn(router, agent))
        } catch (error) {
          lost.push(messageOf(error))
          agent = null
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

export const takeTurn = async (router: AskedRouter, agent: Agent): Promise<Answer> => {
  const { messages, system } = agent
  const text = wordsOf(`${agent.name} ${messages.length}`, 60)
  messages.push({ role: 'user', content: `${agent.name}, message ${messages.length}: ${text}` })
  const prompt = [{ role: 'system', content: system }, ...messages]
  const began = performance.now()
  const body = { model: 'opta-claude-3-r1', max_tokens: 8, system, messages }
  const response = await askRouter(router, '/v1/messages', body, { headers: agent.headers })
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

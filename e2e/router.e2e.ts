// The Router on the real llama-server and LiteLLM: the queue, developers, overlong prompts, changing keys.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { createNexus, endlessAnswers, type NexusUnderTest } from './nexus-command.ts'

const settleMs = 180_000
const queueLimit = 2
const NewKeySchema = z.object({ name: z.string(), key: z.string() })
const ModelListSchema = z.object({
  data: z.array(z.object({ id: z.string(), max_input_tokens: z.number().nullish() })),
})
const GuideSchema = z.object({
  baseUrl: z.string(),
  developers: z.array(z.object({ name: z.string(), key: z.string() })),
})

let nexus: NexusUnderTest
let baseUrl: string
const keys = new Map<string, string>()

beforeAll(async () => {
  nexus = await createNexus({ llamaServer: endlessAnswers, proxy: { queueLimit } })
  // However busy the machine is, a stream that may finish does.
  writeFileSync(join(nexus.home, 'config.json'), JSON.stringify({ drainSeconds: 600 }))
  const up = await nexus.run('up', '--profile', nexus.profilePath)
  if (up.code !== 0) throw new Error(`${up.stderr}${up.stdout}`)
  const guide = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
  baseUrl = guide.baseUrl
  for (const { name, key } of guide.developers) keys.set(name, key)
}, settleMs)

afterAll(() => nexus.dispose())

const keyOf = (developer: string): string => {
  const key = keys.get(developer)
  if (key === undefined) throw new Error(`${developer} has no key; there are: ${[...keys.keys()].join(', ')}`)
  return key
}

const client = (developer: string) =>
  new Anthropic({ apiKey: keyOf(developer), baseURL: baseUrl, maxRetries: 0 })

const request = (index: number, maxTokens: number) => ({
  model: 'claude-opus-4-8',
  max_tokens: maxTokens,
  // Greedy: the same story every time.
  temperature: 0,
  messages: [
    { role: 'user' as const, content: `Story number ${index}: count from one to a thousand in words.` },
  ],
})

const tell = (developer: string, index: number, maxTokens: number) => {
  const stream = client(developer).messages.stream(request(index, maxTokens))
  const ended = stream.finalMessage()
  // A story that is aborted rejects before anybody waits for it.
  ended.catch(() => {})
  return { stream, ended }
}
type Story = ReturnType<typeof tell>
const endsOf = (stories: readonly Story[]) => stories.map(({ ended }) => ended)

const phases = ({ requests }: Snapshot, phase: string) =>
  requests?.filter((each) => each.phase === phase).map(({ developer }) => developer) ?? []
/** Two wait and four were let through: a request that has just come is waiting as well, until it was measured. */
const isFilled = (snapshot: Snapshot) =>
  phases(snapshot, 'waiting').length === queueLimit &&
  snapshot.requests?.length === queueLimit + (snapshot.slots?.length ?? 0)
const wasLetIn = ({ phase }: { readonly phase: string }) => phase !== 'waiting'
const isBusy = ({ slots }: Snapshot) => slots?.every(({ phase }) => phase !== 'idle') === true
const isIdle = ({ requests, queue }: Snapshot) => requests?.length === 0 && queue?.processing === 0

describe('/v1/models', () => {
  it('lists the model names for clients, with the context of one agent', async () => {
    const response = await fetch(`${baseUrl}/v1/models`, { headers: { 'x-api-key': keyOf('user1') } })
    const { data } = ModelListSchema.parse(await response.json())
    const limits = data.map(({ id, max_input_tokens }) => [id, max_input_tokens])
    const [slot] = (await nexus.until(({ slots }) => slots !== null, settleMs)).slots ?? []
    expect(limits).toEqual([
      ['claude-3-5-sonnet-20241022', slot?.contextLimit],
      ['opta-claude-3-r1', slot?.contextLimit],
    ])
  })
})

describe('five stories on four slots', () => {
  it('run four at a time while one waits, and then gets its own answer', async () => {
    // As long as it takes until /slots was asked so late that it is known whose slot is whose (slot-owners.ts).
    const stories = [0, 1, 2, 3].map((index) => tell('user1', index, 2_000))
    await nexus.until(isBusy, settleMs, endsOf(stories))
    const fifth = tell('user2', 4, 8)
    const full = await nexus.until(
      (snapshot) => phases(snapshot, 'waiting').length === 1,
      settleMs,
      endsOf([...stories, fifth]),
    )
    expect(phases(full, 'waiting')).toEqual(['user2'])
    expect(full.queue?.deferred).toBe(0)
    const status = await nexus.run('status')
    expect(status.stdout).toContain('1 request waiting for a slot: user2')
    const named = await nexus.until(
      ({ slots }) => slots?.filter(({ developer }) => developer === 'user1').length === 4,
      settleMs,
      endsOf(stories),
    )
    expect(named.slots?.map(({ developer }) => developer)).toEqual(['user1', 'user1', 'user1', 'user1'])
    for (const { stream } of stories) stream.abort()
    const answer = await fifth.ended
    expect(answer.usage.output_tokens).toBeGreaterThan(0)
    const after = await nexus.until(isIdle, settleMs)
    const use = (name: string) => after.developers?.find(({ developer }) => developer === name)
    expect(use('user1')).toMatchObject({ requests: 4, failed: 0 })
    expect(use('user2')).toMatchObject({ requests: 1, failed: 0, outputTokens: answer.usage.output_tokens })
    expect(use('user2')?.meanFirstTokenMs).toBeGreaterThan(0)
  })

  it('fill the queue too: another one gets 529', async () => {
    const stories = Array.from({ length: 4 + queueLimit }, (_, index) => tell('user1', index, 2_000))
    await nexus.until(isFilled, settleMs, endsOf(stories))
    const refused = client('user1').messages.create(request(9, 4))
    await expect(refused).rejects.toMatchObject({
      status: 529,
      error: { type: 'error', error: { type: 'overloaded_error' } },
    })
    // A developer without waiting requests may still queue one.
    const other = tell('user2', 10, 4)
    const both = await nexus.until(
      (snapshot) => phases(snapshot, 'waiting').includes('user2'),
      settleMs,
      endsOf([...stories, other]),
    )
    expect(phases(both, 'waiting')).toHaveLength(queueLimit + 1)
    for (const { stream } of stories) stream.abort()
    expect((await other.ended).usage.output_tokens).toBeGreaterThan(0)
    await nexus.until(isIdle, settleMs)
  })
})

describe('a client that leaves', () => {
  it('frees the slot, and its place in the queue', async () => {
    const [first, ...others] = [0, 1, 2, 3].map((index) => tell('user1', index, 2_000))
    if (first === undefined) throw new Error('four were told')
    await nexus.until(isBusy, settleMs, endsOf([first, ...others]))
    const leaves = tell('user2', 8, 8)
    const waits = tell('user2', 9, 8)
    const told = endsOf([first, ...others, waits])
    await nexus.until((snapshot) => phases(snapshot, 'waiting').length === 2, settleMs, told)
    leaves.stream.abort()
    await nexus.until((snapshot) => phases(snapshot, 'waiting').length === 1, settleMs, told)
    first.stream.abort()
    expect((await waits.ended).usage.output_tokens).toBeGreaterThan(0)
    for (const { stream } of others) stream.abort()
    await nexus.until(isIdle, settleMs)
  })

  it('frees the slot also when its answer was to come whole, beside one that streams', async () => {
    // Beside a stream llama-server never looks for the client of an answer that it does not stream (opta_whole.py).
    const streams = tell('user1', 0, 2_000)
    const leaving = new AbortController()
    const whole = client('user2').messages.create(request(1, 2_000), { signal: leaving.signal })
    whole.catch(() => {})
    const busy = ({ slots }: Snapshot) => slots?.filter(({ phase }) => phase !== 'idle').length
    await nexus.until((snapshot) => busy(snapshot) === 2, settleMs, endsOf([streams]))
    leaving.abort()
    // While the other one goes on; fails at once if that one ends first.
    await nexus.until((snapshot) => busy(snapshot) === 1, settleMs, endsOf([streams]))
    streams.stream.abort()
    await nexus.until(isIdle, settleMs)
  })

  it('and asks anew at once, with as many as the slots, is turned away by none of them', async () => {
    const left = [0, 1, 2, 3].map((index) => tell('user1', index, 2_000))
    await nexus.until(({ requests }) => requests?.filter(wasLetIn).length === 4, settleMs, endsOf(left))
    for (const { stream } of left) stream.abort()
    // Sooner than the Router looks whether llama-server has let go of those: their places are still taken.
    await nexus.until(isIdle, settleMs)
    const answers = await Promise.all([0, 1, 2, 3].map((index) => tell('user1', index, 8).ended))
    for (const { usage } of answers) expect(usage.output_tokens).toBeGreaterThan(0)
  })
})

describe('a prompt that does not fit', () => {
  it('is answered with the sentence that makes Claude Code compact, with the real numbers', async () => {
    const tooLong = {
      ...request(0, 64_000),
      messages: [{ role: 'user' as const, content: 'word '.repeat(9_000) }],
    }
    const before = await nexus.readSnapshot()
    const limit = before.slots?.[0]?.contextLimit ?? 0
    const refused = client('user1').messages.create({ ...tooLong, stream: true })
    await expect(refused).rejects.toMatchObject({
      status: 400,
      error: {
        error: {
          type: 'invalid_request_error',
          message: expect.stringMatching(
            new RegExp(`^prompt is too long: 9\\d{3} tokens > ${limit - Math.floor(limit / 16)} maximum$`),
          ),
        },
      },
    })
  })
})

describe('nexus key', () => {
  it('creates, rotates and revokes keys, which the running Router knows at once', async () => {
    const before = await nexus.readSnapshot()
    const create = await nexus.run('key', 'create', 'anna', '--json')
    keys.set('anna', NewKeySchema.parse(JSON.parse(create.stdout)).key)
    expect((await client('anna').messages.create(request(0, 4))).usage.output_tokens).toBeGreaterThan(0)
    const old = client('anna')
    const rotate = await nexus.run('key', 'rotate', 'anna', '--json')
    keys.set('anna', NewKeySchema.parse(JSON.parse(rotate.stdout)).key)
    await expect(old.messages.create(request(0, 4))).rejects.toMatchObject({ status: 401 })
    expect((await client('anna').messages.create(request(0, 4))).usage.output_tokens).toBeGreaterThan(0)
    expect((await nexus.run('key', 'list')).stdout).not.toContain(keyOf('anna'))
    expect((await nexus.run('key', 'revoke', 'anna')).code).toBe(0)
    await expect(client('anna').messages.create(request(0, 4))).rejects.toMatchObject({
      status: 401,
      error: { error: { type: 'authentication_error' } },
    })
    expect((await nexus.run('key', 'revoke', 'anna')).code).toBe(1)
    const after = await nexus.readSnapshot()
    expect(after.services.proxy.pid).toBe(before.services.proxy.pid)
    expect(after.overall).toBe('ready')
    expect(after.developers?.find(({ developer }) => developer === 'anna')).toMatchObject({ requests: 2 })
  })
})

describe('a restart of the Router', () => {
  it("keeps the day's totals and keeps reporting", async () => {
    const before = await nexus.readSnapshot()
    expect((await nexus.run('restart', 'proxy')).code).toBe(0)
    const after = await nexus.until(
      ({ requests, overall }) => requests !== null && overall === 'ready',
      settleMs,
    )
    expect(after.services.proxy.pid).not.toBe(before.services.proxy.pid)
    expect(after.developers).toEqual(before.developers)
  })

  it.each([
    ['lets a stream finish', [], 'finishes', 400],
    // Longer than the 2 s that a hurried end leaves to it.
    ['cuts it when told not to wait', ['--now'], 'is cut', 4_000],
  ] as const)('%s', async (_, flags, fate, maxTokens) => {
    const { pid } = (await nexus.readSnapshot()).services.proxy
    const story = tell('user1', 0, maxTokens)
    // The Router tells at once; whether a slot is busy is what the command reads.
    await nexus.until(
      (snapshot) =>
        phases(snapshot, 'generating').length === 1 &&
        snapshot.slots?.some(({ phase }) => phase !== 'idle') === true,
      settleMs,
      [story.ended],
    )
    const restarted = await nexus.run('restart', 'proxy', ...flags)
    expect(restarted.code).toBe(0)
    if (fate === 'finishes') {
      expect(restarted.stderr).toMatch(/1 busy.*user1.*nexus restart --now does not wait/)
      expect((await story.ended).usage.output_tokens).toBeGreaterThan(0)
    } else await expect(story.ended).rejects.toThrow()
    const after = await nexus.until(({ overall }) => overall === 'ready', settleMs)
    expect(after.services.proxy.pid).not.toBe(pid)
  })
})

describe('one pool for all slots', () => {
  let pool: NexusUnderTest
  const poolTokens = 3_072
  // A token each: two such prompts fit with what is kept for their answers, three do not.
  const fillingWords = 'word '.repeat(900)
  beforeAll(async () => {
    await nexus.dispose()
    pool = await createNexus({
      llamaServer: { ...endlessAnswers, unifiedKv: true, contextTokens: poolTokens },
    })
    const up = await pool.run('up', '--profile', pool.profilePath)
    if (up.code !== 0) throw new Error(`${up.stderr}${up.stdout}`)
    const guide = GuideSchema.parse(JSON.parse((await pool.run('clients', '--json')).stdout))
    baseUrl = guide.baseUrl
    for (const { name, key } of guide.developers) keys.set(name, key)
  }, settleMs)
  afterAll(() => pool.dispose())

  it('keeps the room of a client that left in prefill until llama-server has noticed, and no request fails', async () => {
    const tellLong = (developer: string, index: number, maxTokens: number) => {
      const content = `Tale ${index}: ${fillingWords}`
      const stream = client(developer).messages.stream({
        ...request(index, maxTokens),
        messages: [{ role: 'user' as const, content }],
      })
      const ended = stream.finalMessage()
      ended.catch(() => {})
      return { stream, ended }
    }
    const leaves = tellLong('user1', 0, 90)
    await pool.until((snapshot) => phases(snapshot, 'prefill').length === 1, settleMs, endsOf([leaves]))
    const stays = tellLong('user1', 1, 4)
    const reading = endsOf([leaves, stays])
    await pool.until((snapshot) => phases(snapshot, 'prefill').length === 2, settleMs, reading)
    leaves.stream.abort()
    const waits = tellLong('user2', 2, 4)
    // Two fit: the requests that filled the pool are gone.
    const full = await pool.until(
      ({ requests }) =>
        requests?.some(({ phase, promptTokens }) => phase === 'waiting' && promptTokens !== null) === true,
      settleMs,
      endsOf([stays, waits]),
    )
    expect(full.requests?.map(({ developer }) => developer).sort()).toEqual(['user1', 'user2'])
    for (const { ended } of [stays, waits]) expect((await ended).usage.output_tokens).toBeGreaterThan(0)
    const after = await pool.until(isIdle, settleMs)
    expect(after.developers?.map(({ failed }) => failed)).toEqual([0, 0])
  })

  it('is never overfilled: requests without room wait although slots are free, and all get answers', async () => {
    const tellLong = async (index: number): Promise<number> => {
      const content = `Story ${index}: ${fillingWords}`
      const body = { ...request(index, 4), messages: [{ role: 'user' as const, content }] }
      return (await client('user1').messages.stream(body).finalMessage()).usage.output_tokens
    }
    const answers = Promise.all([0, 1, 2, 3].map(tellLong))
    const waiting = await pool.until((snapshot) => phases(snapshot, 'waiting').length > 0, settleMs)
    expect(phases(waiting, 'prefill').concat(phases(waiting, 'generating')).length).toBeLessThan(3)
    for (const tokens of await answers) expect(tokens).toBeGreaterThan(0)
    // What the idle slots still hold is more than the pool by now: llama-server makes room for the next.
    expect(await tellLong(5)).toBeGreaterThan(0)
    const after = await pool.until(isIdle, settleMs)
    expect(after.developers?.find(({ developer }) => developer === 'user1')).toMatchObject({
      requests: 7,
      failed: 0,
    })
  })
})

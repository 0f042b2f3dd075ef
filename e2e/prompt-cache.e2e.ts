// The prompt cache on the real llama-server and LiteLLM: what a turn reads again, no mixed-up conversations, parked files.
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClaudeHomes, runClaude } from '../electron/core/try-claude/claude-run.ts'
import { askAtOnce } from '../scripts/bench-agents.ts'
import { requireEnv } from './bare-llama-server.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const settleMs = 180_000
const GuideSchema = z.object({
  baseUrl: z.string(),
  developers: z.array(
    z.object({
      name: z.string(),
      key: z.string(),
      snippets: z.array(z.object({ id: z.string(), text: z.string() })),
    }),
  ),
})
const AnswerSchema = z.object({
  content: z.array(z.object({ text: z.string() })),
  usage: z.object({ input_tokens: z.number(), cache_read_input_tokens: z.number().nullish() }),
})
const LedgerSchema = z.object({ entries: z.array(z.object({ service: z.string(), pid: z.number() })) })

let nexus: NexusUnderTest | null = null
const end = async () => {
  await nexus?.dispose()
  nexus = null
}
afterAll(end, settleMs)

/** f16: a quantized cache is slow on a CPU. */
const start = async (llamaServer: object) => {
  await end()
  nexus = await createNexus({
    llamaServer: { cacheTypeK: 'f16', cacheTypeV: 'f16', sampling: null, ...llamaServer },
  })
  await up()
  return readGuide()
}

const running = (): NexusUnderTest => {
  if (nexus === null) throw new Error('nothing was started')
  return nexus
}

const up = async () => {
  const { code, stderr, stdout } = await running().run('up', '--profile', running().profilePath)
  if (code !== 0) throw new Error(`${stderr}${stdout}`)
}

const readGuide = async () => GuideSchema.parse(JSON.parse((await running().run('clients', '--json')).stdout))

/**
 * ggml's threads wait for one another many times a token, spinning: on a machine with other work each wait lasts until the
 * other one is scheduled. Measured with a load of 27 on two cores: 1 token/s with the two threads that llama-server takes by
 * itself, 20 with one.
 */
const oneThread = { pinnedFlags: ['--threads', '1', '--threads-batch', '1'] }

interface Talk {
  readonly key: string
  readonly session: string
  readonly messages: { readonly role: 'user' | 'assistant'; readonly content: string }[]
}

const system = `You answer in one short sentence. ${'Be kind and exact. '.repeat(30)}`

const ask = async (baseUrl: string, talk: Talk, content: string) => {
  talk.messages.push({ role: 'user', content })
  const response = await fetch(`${baseUrl}/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': talk.key,
      'anthropic-version': '2023-06-01',
      'x-claude-code-session-id': talk.session,
    },
    body: JSON.stringify({
      model: 'opta-claude-3-r1',
      max_tokens: 12,
      temperature: 0,
      system,
      messages: talk.messages,
    }),
  })
  if (!response.ok) throw new Error(`the Router answered ${response.status}: ${await response.text()}`)
  const answer = AnswerSchema.parse(await response.json())
  const text = answer.content.map((block) => block.text).join('')
  talk.messages.push({ role: 'assistant', content: text || 'ok' })
  return { text, readTokens: answer.usage.input_tokens }
}

const keyOf = (guide: z.infer<typeof GuideSchema>, index: number): string => {
  const key = guide.developers[index]?.key
  if (key === undefined) throw new Error(`there is no developer ${index}`)
  return key
}

/** Of a turn some 30 tokens are new; all of a conversation is far more. */
const mostNewTokens = 60

const killEngine = async () => {
  const ledger = LedgerSchema.parse(JSON.parse(readFileSync(join(running().home, 'ledger.json'), 'utf8')))
  const pid = ledger.entries.find(({ service }) => service === 'llamaServer')?.pid
  if (pid === undefined) throw new Error('no llama-server is in the ledger')
  process.kill(pid, 'SIGKILL')
  await running().until(
    ({ services, overall }) => services.llamaServer.pid !== pid && overall === 'ready',
    settleMs,
  )
}

const secretOf = (developer: number, number: number): string => `xq${developer}zephyr${number}wk`

describe('six conversations of two developers on two slots', () => {
  it.each([
    // Of which the Router grants 512 tokens, and two conversations are more: one leaves although its slot is free.
    ['one pool', { unifiedKv: true, contextTokens: 1_024 }],
    ['shares', { unifiedKv: false, contextTokens: 2_048 }],
  ])('keep to themselves, and come back after a kill: %s', async (_, sharing) => {
    const guide = await start({ ...oneThread, slots: 2, ...sharing })
    const talks = [0, 1].flatMap((developer) =>
      [0, 1, 2].map((number) => ({
        developer,
        secret: secretOf(developer, number),
        // One name for both developers: it must not bring them together.
        talk: { key: keyOf(guide, developer), session: `session ${number}`, messages: [] } as Talk,
      })),
    )
    for (let turn = 0; turn < 4; turn += 1) {
      if (turn === 2) await killEngine()
      for (const { developer, secret, talk } of talks) {
        const { text, readTokens } = await ask(
          guide.baseUrl,
          talk,
          turn === 0 ? `My code word is ${secret}. Repeat it.` : `Question ${turn}: what is my code word?`,
        )
        const foreign = talks.filter((other) => other.developer !== developer && text.includes(other.secret))
        expect(foreign).toEqual([])
        if (turn > 0) expect(readTokens).toBeLessThan(mostNewTokens)
      }
    }
    const status = await running().run('status')
    expect(status.stdout).toMatch(/% found in the cache/)
    const { slots, events } = await running().readSnapshot()
    // In the pool the other one had to leave.
    expect(slots?.some((slot) => slot.held?.named === true)).toBe(true)
    expect(events.map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringMatching(/brought back: \d+ tokens/)]),
    )
  })
})

/** One short sentence. Without it the small model may talk until its slot is full, and Claude Code asks again: over 300 s were seen. */
const shortAnswers = ['--grammar', 'root ::= [A-Z] [a-z]{1,8} (" " [a-z]{1,8}){1,6} "."']

describe('two sessions of the real Claude Code that alternate', () => {
  it('read only new tokens in their second turns', async () => {
    const guide = await start({
      slots: 2,
      unifiedKv: false,
      contextTokens: 16_384,
      pinnedFlags: shortAnswers,
    })
    const homes = createClaudeHomes()
    try {
      const settings = guide.developers[0]?.snippets.find(({ id }) => id === 'claude-settings')?.text ?? ''
      const sessions = [1, 2].map((number) => ({
        number,
        home: homes.add(settings),
        id: null as string | null,
      }))
      /** What was found and what was read since the last look, over both. */
      const takeTurns = async (prompt: string) => {
        for (const session of sessions) {
          const { number, home, id } = session
          const answer = await runClaude({
            programPath: requireEnv('NEXUS_TEST_CLAUDE_CODE'),
            home,
            prompt: `${prompt} You are agent ${number}. Answer with one word.`,
            sessionId: id,
            timeoutMs: settleMs,
            signal: new AbortController().signal,
          })
          session.id = answer.sessionId
        }
        const { developers } = await running().until(({ requests }) => requests?.length === 0, settleMs)
        return developers?.[0] ?? { cachedTokens: 0, readTokens: 0 }
      }
      const first = await takeTurns('Say where you are.')
      const second = await takeTurns('And now?')
      const found = (second.cachedTokens ?? 0) - (first.cachedTokens ?? 0)
      const read = (second.readTokens ?? 0) - (first.readTokens ?? 0)
      expect(first.readTokens).toBeGreaterThan(1_000)
      expect(found / (found + read)).toBeGreaterThan(0.8)
      const { slots } = await running().readSnapshot()
      expect(slots?.map((slot) => slot.held?.named)).toEqual([true, true])
    } finally {
      homes.dispose()
    }
  })
})

/** Requests of all developers, once none is under way. */
const usedToday = async () => {
  const { developers } = await running().until(({ requests }) => requests?.length === 0, settleMs)
  return {
    requests: developers?.reduce((sum, { requests }) => sum + requests, 0) ?? 0,
    failed: developers?.reduce((sum, { failed }) => sum + failed, 0) ?? 0,
  }
}

describe('four slots in one pool', () => {
  beforeAll(() => start({ ...oneThread, slots: 4, unifiedKv: true, contextTokens: 4_096 }), settleMs)

  it('brings back a conversation after nexus down, and deletes a file that was cut and says so', async () => {
    const guide = await readGuide()
    const talks = ['whole', 'cut'].map((session): Talk => ({ key: keyOf(guide, 0), session, messages: [] }))
    for (const talk of talks) await ask(guide.baseUrl, talk, `My name is ${talk.session}. Say hello.`)
    await running().run('down')
    const parked = join(running().home, 'parked')
    const files = readdirSync(parked).filter((name) => name.endsWith('.kv'))
    expect(files).toHaveLength(2)
    const last = files.map((name) => join(parked, name))[0]
    if (last === undefined) throw new Error('two files were counted')
    truncateSync(last, 1_000)
    await up()
    const reads: number[] = []
    for (const talk of talks) reads.push((await ask(guide.baseUrl, talk, 'And again?')).readTokens)
    // The one is read again, the other is not.
    expect(reads.filter((tokens) => tokens < mostNewTokens)).toHaveLength(1)
    const { events } = await running().readSnapshot()
    expect(events.map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringMatching(/was deleted and is read again: it has 1000 bytes/)]),
    )
  })

  it('serves six clients of two developers: all get answers and read little again', async () => {
    const guide = await readGuide()
    const before = await usedToday()
    const { signal } = new AbortController()
    const routers = Array.from({ length: 6 }, (_, index) => ({
      routerUrl: guide.baseUrl,
      clientKey: () => keyOf(guide, index % 2),
      signal,
    }))
    // scripts/bench cache does it for five minutes.
    const { answers, lost } = await askAtOnce(routers, 'crowd', (turns) => turns < 5)
    expect(lost).toEqual([])
    expect(answers).toHaveLength(30)
    const later = answers.filter(({ newTokens }) => newTokens !== null)
    const read = later.reduce((sum, { readTokens }) => sum + readTokens, 0)
    expect(read / later.reduce((sum, { newTokens }) => sum + (newTokens ?? 0), 0)).toBeLessThan(1.1)
    expect(await usedToday()).toEqual({ requests: before.requests + answers.length, failed: before.failed })
  })
})

describe('a model with a sliding window', () => {
  it('whose files do nothing is found out and said once, and none are written any more', async () => {
    const modelPath = requireEnv('NEXUS_TEST_SLIDING_WINDOW_MODEL')
    const guide = await start({
      modelPath,
      alias: 'gemma-3-270m',
      ...oneThread,
      slots: 1,
      contextTokens: 4_096,
    })
    const talks = ['one', 'two'].map((session): Talk => ({ key: keyOf(guide, 0), session, messages: [] }))
    for (let turn = 0; turn < 5; turn += 1)
      for (const talk of talks) await ask(guide.baseUrl, talk, `Turn ${turn} of ${talk.session}.`)
    const { events } = await running().until(
      (snapshot) => snapshot.events.some(({ text }) => text.includes('do not come back with this model')),
      settleMs,
    )
    expect(events.filter(({ text }) => text.includes('do not come back with this model'))).toHaveLength(1)
  })
})

// Three Studios: three real llama-servers on three loopback addresses behind one Router, one of them killed on the way.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StudioNode } from '../electron/contract/snapshot.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { openLedger } from '../electron/core/supervise/ledger.ts'
import { freePorts } from './free-ports.ts'
import { createNexus, endlessAnswers, type NexusUnderTest } from './nexus-command.ts'

// Linux has all of 127.0.0.0/8; a Mac only what was added to lo0.
const hosts = process.platform === 'linux' ? ['127.0.0.2', '127.0.0.3'] : ['127.0.0.1', '127.0.0.1']
const key = 'sk-node-0123456789'
/** Three models on two cores. */
const patienceMs = 10 * 60_000
let nexus: NexusUnderTest
let servers: ChildProcess[] = []
let routerUrl = ''
let clientKey = ''

beforeAll(async () => {
  const ports = [...(await freePorts()), ...(await freePorts())]
  nexus = await createNexus({ llamaServer: { ...endlessAnswers, slots: 2, contextTokens: 4096 } })
  const keyFile = join(nexus.home, 'node.key')
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 })
  const nodes = hosts.map((host, index) => ({
    name: `studio-${index + 2}`,
    host,
    port: ports[index * 2],
    slots: 2,
    keyFile,
  }))
  const profile = JSON.parse(readFileSync(nexus.profilePath, 'utf8'))
  writeFileSync(nexus.profilePath, JSON.stringify({ ...profile, nodes }))
  const up = await nexus.run('up', '--profile', nexus.profilePath)
  expect(up).toMatchObject({ code: 0 })
  // The very program and model that the stack runs, once more for each other Studio.
  const folder = locateStateFolder({ NEXUS_HOME: nexus.home }, process.platform, '/')
  const argv = openLedger(folder.ledgerPath).find('llamaServer')?.argv
  if (argv === undefined) throw new Error('the stack runs no llama-server')
  const model = argv[argv.indexOf('-m') + 1] ?? argv[argv.indexOf('--model') + 1] ?? ''
  servers = nodes.map(({ host, port }) =>
    spawn(
      argv[0] ?? '',
      [
        '-m',
        model,
        '--host',
        host,
        '--port',
        String(port),
        '-np',
        '2',
        '-c',
        '4096',
        '-t',
        '1',
        ...endlessAnswers.pinnedFlags,
        '--slots',
        '--metrics',
        '--api-key',
        key,
      ],
      { stdio: 'ignore' },
    ),
  )
  const clients = JSON.parse((await nexus.run('clients', '--json')).stdout)
  routerUrl = clients.baseUrl
  clientKey = clients.apiKey
  await until((all) => all.every(({ phase, slots }) => phase === 'ready' && slots?.length === 2))
})
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await nexus.dispose()
})

const until = async (fits: (nodes: readonly StudioNode[]) => boolean) =>
  (await nexus.until(({ nodes }) => fits(nodes), 120_000)).nodes

interface Streamed {
  readonly status: number
  /** The client already got the first byte, so no other Studio can restart the answer. */
  readonly begun: boolean
  readonly pieces: number
  readonly failed: boolean
}

/** `onPiece` is called for each piece of the answer. */
const stream = async (model: string, tokens: number, onPiece: () => void = () => {}): Promise<Streamed> => {
  const answer = await fetch(`${routerUrl}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': clientKey,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    },
    body: JSON.stringify({
      model,
      max_tokens: tokens,
      stream: true,
      // Greedy: the same story every time.
      temperature: 0,
      messages: [{ role: 'user', content: 'Count from one to a thousand in words.' }],
    }),
  })
  let begun = false
  let pieces = 0
  let failed = !answer.ok
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of answer.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'event: error') failed = true
      if (line === 'event: message_start') begun = true
      if (line === 'event: content_block_delta') {
        pieces += 1
        onPiece()
      }
    }
  }
  return { status: answer.status, begun, pieces, failed }
}

const busyOf = (nodes: readonly StudioNode[]) =>
  nodes.map(({ slots }) => slots?.filter(({ phase }) => phase !== 'idle').length ?? null)

it(
  'fills the slots of all Studios for any model name, and shows which Studio serves which request',
  async () => {
    const models = ['claude-opus-4-8', 'claude-sonnet-5', 'claude-haiku-4-5']
    const all = Promise.all(Array.from({ length: 6 }, (_, index) => stream(models[index % 3] ?? '', 300)))
    const full = await nexus.until(
      ({ slots, nodes }) =>
        slots?.every(({ phase }) => phase !== 'idle') === true && busyOf(nodes).every((busy) => busy === 2),
      120_000,
    )
    const served = (full.requests ?? []).map(({ node }) => node ?? 'here').sort()
    expect(served).toEqual(['here', 'here', 'studio-2', 'studio-2', 'studio-3', 'studio-3'])
    for (const { status, failed, pieces } of await all) {
      expect({ status, failed }).toEqual({ status: 200, failed: false })
      expect(pieces).toBeGreaterThan(0)
    }
    await until((nodes) => busyOf(nodes).every((busy) => busy === 0))
    const text = (await nexus.run('status')).stdout
    expect(text).toMatch(/studio-2 +ready +0 of 2 slots busy/)
  },
  patienceMs,
)

it(
  'loses no request that had not begun to answer when a Studio dies',
  async () => {
    const [dying] = servers
    if (dying === undefined) throw new Error('there is a second Studio')
    const speaking = new Set<number>()
    // Twelve for six slots: some stream, some wait; the Studio dies as soon as every slot has said something.
    const all = Array.from({ length: 12 }, (_, index) =>
      stream('claude-opus-4-8', 60, () => {
        speaking.add(index)
        if (speaking.size === 4 && !dying.killed) dying.kill('SIGKILL')
      }),
    )
    const results = await Promise.all(all)
    expect(dying.killed).toBe(true)
    const lost = results.filter(({ failed }) => failed)
    expect(lost.filter(({ begun }) => !begun)).toEqual([])
    // No more than the Studio that died had slots.
    expect(lost.length).toBeLessThanOrEqual(2)
    const nodes = await until((all) => all[0]?.phase === 'unreachable' && busyOf(all)[1] === 0)
    expect(nodes[0]).toMatchObject({ slots: null, reason: expect.stringContaining('does not answer') })
    expect(nodes[1]?.phase).toBe('ready')
    const after = await Promise.all(Array.from({ length: 4 }, () => stream('claude-opus-4-8', 10)))
    for (const { status, failed } of after) expect({ status, failed }).toEqual({ status: 200, failed: false })
  },
  patienceMs,
)

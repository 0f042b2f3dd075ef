// The gateway: the real Traefik as a part of the real stack, from a taken port to the end of everything.
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { askHttp } from '../electron/core/base/http-ask.ts'
import { createPlatform } from '../electron/core/platform/detect-platform.ts'
import { freePorts } from './free-ports.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'
import { type PostByName, postByName } from './traefik.ts'

const settleMs = 60_000
const GuideSchema = z.object({ apiKey: z.string() })
const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })

let nexus: NexusUnderTest
let port = 0
let post: PostByName
let holder: Server | null = null

const settled = ({ services: { gateway }, overall }: Snapshot) =>
  gateway?.phase === 'ready' && overall === 'ready'
const pidOf = ({ services: { gateway } }: Snapshot): number => {
  if (gateway?.pid == null) throw new Error(`no gateway: ${JSON.stringify(gateway)}`)
  return gateway.pid
}
/** Its status; 'refused' when nothing listens. */
const knock = (): Promise<number | 'refused'> =>
  askHttp(`http://127.0.0.1:${port}/health/liveliness`, {
    headers: { host: 'ai.opta.local' },
    signal: AbortSignal.timeout(settleMs),
    maxBytes: 1_000,
  }).then(
    ({ status }) => status,
    () => 'refused',
  )

beforeAll(async () => {
  ;[port] = await freePorts()
  post = postByName(port)
  nexus = await createNexus({ gateway: { listen: `127.0.0.1:${port}` } })
})

afterAll(async () => {
  holder?.close()
  await nexus.dispose()
})

it('names the process on a taken port, and the stack serves without the gateway', async () => {
  holder = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => holder?.listen(port, '127.0.0.1', resolve))
  const up = await nexus.run('up', '--profile', nexus.profilePath)
  expect(up.stderr).not.toContain('failed')
  expect(up.code).toBe(0)
  expect(up.stdout.replaceAll(/\s+/g, ' ')).toContain(
    `The Gateway failed: port ${port} of the Gateway is held by`,
  )
  const snapshot = await nexus.readSnapshot()
  expect(snapshot.overall).toBe('degraded')
  expect(snapshot.proof).not.toBeNull()
  expect(snapshot.services.gateway).toMatchObject({ phase: 'failed', foreign: { pid: process.pid } })
  expect(snapshot.services.gateway?.reason).toContain('set gateway.listen in the profile')
  expect(snapshot.notices.map(({ id }) => id)).toContain('failed-gateway')
  const doctor = await nexus.run('doctor', '--json', '--profile', nexus.profilePath)
  expect(doctor.stdout).toContain('ports.gateway')
  const { stdout } = await nexus.run('status')
  expect(stdout).toContain(`port ${port} of the Gateway is held by`)
})

it('nexus up starts it once the port is free, and a message goes through it by name', async () => {
  await new Promise((resolve) => holder?.close(resolve))
  holder = null
  const before = await nexus.readSnapshot()
  expect((await nexus.run('up')).code).toBe(0)
  const after = await nexus.until(settled, settleMs)
  expect(after.services.proxy.pid).toBe(before.services.proxy.pid)
  expect(after.services.gateway?.endpoint).toBe(`http://ai.opta.local:${port}`)
  const { apiKey } = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
  const body = {
    model: 'opta-claude-3-r1',
    max_tokens: 24,
    stream: true,
    temperature: 0,
    messages: [{ role: 'user', content: 'Count from one to a thousand in words.' }],
  }
  const { answer } = await post('/v1/messages', JSON.stringify(body), {
    'x-api-key': apiKey,
    'anthropic-version': '2023-06-01',
  })
  expect(answer.statusCode).toBe(200)
  let pieces = 0
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) {
    pieces += 1
    text += piece
  }
  expect(text).toContain('event: message_stop')
  expect(pieces).toBeGreaterThan(3)
})

it('runs with the line that nexus plan shows', async () => {
  const PlanSchema = z.object({ gateway: z.object({ argv: z.array(z.string()), port: z.number() }) })
  const { stdout } = await nexus.run('plan', '--json', '--profile', nexus.profilePath)
  const { gateway } = PlanSchema.parse(JSON.parse(stdout))
  expect(gateway.port).toBe(port)
  expect(await processes.readArgv(pidOf(await nexus.readSnapshot()))).toEqual(gateway.argv)
})

it('after kill -9 it comes back, and the Router is left alone', async () => {
  const before = await nexus.readSnapshot()
  process.kill(pidOf(before), 'SIGKILL')
  const after = await nexus.until(
    (now) => settled(now) && now.services.gateway?.restarts === 1 && pidOf(now) !== pidOf(before),
    settleMs,
  )
  expect(after.services.proxy.pid).toBe(before.services.proxy.pid)
  expect(after.notices.map(({ id }) => id)).toContain('recovered-gateway')
  expect(await knock()).toBe(200)
})

it('the next core takes it over, or starts one where it ended meanwhile', async () => {
  const first = await nexus.readSnapshot()
  process.kill(first.owner.pid, 'SIGKILL')
  expect((await nexus.run('status')).stderr).toContain(`Gateway (pid ${pidOf(first)})`)
  expect((await nexus.run('up')).code).toBe(0)
  const second = await nexus.until(settled, settleMs)
  expect(second.services.gateway).toMatchObject({ pid: pidOf(first), adopted: true })
  process.kill(second.owner.pid, 'SIGKILL')
  process.kill(pidOf(second), 'SIGKILL')
  expect((await nexus.run('up')).code).toBe(0)
  const third = await nexus.until(settled, settleMs)
  expect(third.services.proxy.pid).toBe(first.services.proxy.pid)
  expect(third.services.gateway?.adopted).toBe(false)
})

it('stays while only the Router restarts, and answers 502 instead of refusing', async () => {
  const before = await nexus.readSnapshot()
  let isOver = false
  const restarted = nexus.run('restart', 'proxy').finally(() => {
    isOver = true
  })
  const seen = new Set<number | 'refused'>()
  for (; !isOver; await sleep(20)) seen.add(await knock())
  expect((await restarted).code).toBe(0)
  expect([...seen].sort()).toEqual([200, 502])
  const after = await nexus.until(settled, settleMs)
  expect(after.services.gateway).toMatchObject({ pid: pidOf(before), restarts: 0 })
})

it('nexus down leaves nothing of it', async () => {
  const before = await nexus.readSnapshot()
  expect((await nexus.run('down', '--now')).code).toBe(0)
  expect(await processes.readIdentity(pidOf(before))).toBeNull()
  expect(await knock()).toBe('refused')
  expect((await nexus.run('logs', 'gateway')).code).toBe(0)
})

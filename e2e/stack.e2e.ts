// The whole stack on the real llama-server, LiteLLM and model, driven as a user drives it.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createPlatform } from '../electron/core/platform/detect-platform.ts'
import { createNexus, endlessAnswers, type NexusUnderTest } from './nexus-command.ts'

const { processes } = createPlatform({ ramDiskRoot: '/nonexistent' })
const settleMs = 120_000
const GuideSchema = z.object({ baseUrl: z.string(), apiKey: z.string(), models: z.array(z.string()) })

let nexus: NexusUnderTest
let apiKey: string
let baseUrl: string

const client = (key = apiKey) => new Anthropic({ apiKey: key, baseURL: baseUrl, maxRetries: 0 })

const tellLongStory = (index: number, maxTokens: number) =>
  client().messages.stream({
    model: 'claude-sonnet-4-5',
    max_tokens: maxTokens,
    // Greedy: the same story every time.
    temperature: 0,
    messages: [{ role: 'user', content: `Story number ${index}: count from one to a thousand in words.` }],
  })

const askEngine = async (path: string): Promise<unknown> => {
  const key = readFileSync(join(nexus.home, 'keys', 'engine.key'), 'utf8').trim()
  const response = await fetch(`http://127.0.0.1:${nexus.enginePort}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  })
  const text = await response.text()
  return path === '/metrics' ? text : JSON.parse(text)
}

beforeAll(async () => {
  nexus = await createNexus({ llamaServer: endlessAnswers })
})

afterAll(() => nexus.dispose())

describe('nexus up', () => {
  it('ends once a Claude request was answered, and prints the client settings', async () => {
    const { code, stdout, stderr } = await nexus.run('up', '--profile', nexus.profilePath)
    expect(stderr + stdout).toContain('A Claude request went through the Router to the model and came')
    expect(code).toBe(0)
    const guide = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
    baseUrl = guide.baseUrl
    apiKey = guide.apiKey
    expect(stdout).toContain(`export ANTHROPIC_BASE_URL=${baseUrl}`)
    expect(stdout).toContain(`export ANTHROPIC_API_KEY=${apiKey}`)
  })

  it('attaches instead of starting twice', async () => {
    const before = await nexus.readSnapshot()
    const results = await Promise.all([nexus.run('up'), nexus.run('up')])
    expect(results.map(({ code }) => code)).toEqual([0, 0])
    const after = await nexus.readSnapshot()
    expect(after.services.llamaServer.pid).toBe(before.services.llamaServer.pid)
    expect(after.services.proxy.pid).toBe(before.services.proxy.pid)
    expect(after.owner).toEqual(before.owner)
  })
})

describe('a client', () => {
  it.each(['claude-3-5-sonnet-20241022', 'claude-sonnet-4-5', 'claude-opus-4-8'])(
    'gets an answer for %s',
    async (model) => {
      const message = await client().messages.create({
        model,
        max_tokens: 12,
        messages: [{ role: 'user', content: 'Say hello.' }],
      })
      expect(message.model).toBe(model)
      expect(message.usage.output_tokens).toBeGreaterThan(0)
    },
  )

  it('gets a stream, and the stop reason says that the answer was cut', async () => {
    const stream = tellLongStory(0, 24)
    let deltas = 0
    stream.on('text', () => {
      deltas += 1
    })
    const message = await stream.finalMessage()
    expect(deltas).toBeGreaterThan(3)
    expect(message.stop_reason).toBe('max_tokens')
    expect(message.usage.output_tokens).toBe(24)
  })

  it.each(['sk-wrong-key-12345678', ' '])('is refused with the key "%s"', async (key) => {
    const refused = client(key).messages.create({
      model: 'claude-sonnet-4-5',
      max_tokens: 4,
      messages: [{ role: 'user', content: 'hi' }],
    })
    await expect(refused).rejects.toMatchObject({ status: 401 })
  })

  it('does not reach llama-server without its key', async () => {
    const response = await fetch(`http://127.0.0.1:${nexus.enginePort}/slots`)
    expect(response.status).toBe(401)
  })
})

describe('nexus status --json', () => {
  it('has numbers that agree with the servers and the system', async () => {
    const predicted = /^llamacpp:tokens_predicted_total (\S+)$/m.exec(String(await askEngine('/metrics')))
    const snapshot = await nexus.until(
      ({ queue, throughput }) =>
        queue?.processing === 0 && throughput?.tokensGeneratedTotal === Number(predicted?.[1]),
      settleMs,
    )
    expect(snapshot.overall).toBe('ready')
    expect(snapshot.profile).toBe(nexus.profilePath)
    const props = z
      .object({ total_slots: z.number(), model_path: z.string() })
      .parse(await askEngine('/props'))
    expect(snapshot.engineModel?.modelPath).toBe(props.model_path)
    const slots = z.array(z.object({ id: z.number(), n_ctx: z.number() })).parse(await askEngine('/slots'))
    expect(snapshot.slots).toHaveLength(props.total_slots)
    expect(snapshot.slots?.map(({ id, contextLimit }) => ({ id, n_ctx: contextLimit }))).toEqual(slots)
    expect(snapshot.memory?.totalBytes).toBe(totalmem())
    const { ramDisk } = snapshot
    expect(ramDisk?.mounted).toBe(true)
    if (ramDisk?.kind === 'tmpfs') {
      const { blocks, bsize } = statfsSync(ramDisk.mountPoint)
      expect(ramDisk.totalBytes).toBe(blocks * bsize)
      expect(ramDisk.totalBytes).toBe(64 * 1_048_576)
    }
  })
})

describe('six streams on four slots', () => {
  it('are four at work and two waiting, and the snapshot says so', async () => {
    // Long enough that a slot is read twice within one of them.
    const storyTokens = 400
    const streams = Array.from({ length: 6 }, (_, index) => tellLongStory(index, storyTokens))
    const answers = Promise.all(streams.map((stream) => stream.finalMessage()))
    const full = await nexus.until(
      ({ slots, requests }) =>
        slots?.every(({ phase }) => phase !== 'idle') === true &&
        requests?.filter(({ phase }) => phase === 'waiting').length === 2,
      settleMs,
      [answers],
    )
    // How many are processing comes from counters that were read just before the slots, so it may be of the moment before.
    expect(full.queue?.deferred).toBe(0)
    const flowing = await nexus.until(
      ({ slots, throughput }) =>
        (slots?.filter(({ tokensPerSecond }) => (tokensPerSecond ?? 0) > 0).length ?? 0) > 0 &&
        (throughput?.generationTokensPerSecond ?? 0) > 0,
      settleMs,
      [answers],
    )
    for (const slot of flowing.slots ?? []) {
      if (slot.phase === 'generating') expect(slot.generatedTokens).toBeGreaterThan(0)
      else expect(slot.tokensPerSecond).toBeNull()
    }
    const messages = await answers
    for (const { usage } of messages) expect(usage.output_tokens).toBe(storyTokens)
    await nexus.until(
      ({ queue, slots }) =>
        queue?.processing === 0 && slots?.filter(({ phase }) => phase === 'idle').length === 4,
      settleMs,
    )
  })
})

describe('secrets', () => {
  it('are in files for their owner alone, never in a command line or a log', async () => {
    const { services } = await nexus.readSnapshot()
    const keyFiles = readdirSync(join(nexus.home, 'keys'))
    expect(keyFiles.length).toBeGreaterThan(3)
    const secrets = keyFiles
      .filter((name) => name.endsWith('.key'))
      .map((name) => readFileSync(join(nexus.home, 'keys', name), 'utf8').trim())
      .concat(apiKey)
    for (const name of keyFiles) expect(statSync(join(nexus.home, 'keys', name)).mode & 0o777).toBe(0o600)
    const argvs = await Promise.all(
      [services.llamaServer.pid, services.proxy.pid].map((pid) => processes.readArgv(pid ?? 0)),
    )
    const places = [
      ...argvs.map((argv) => argv?.join(' ') ?? ''),
      ...readdirSync(join(nexus.home, 'logs')).map((name) =>
        readFileSync(join(nexus.home, 'logs', name), 'utf8'),
      ),
    ]
    // The core has nothing to say on a good day; all the others have.
    expect(places.filter((place) => place.length > 0).length).toBeGreaterThanOrEqual(4)
    for (const secret of secrets) expect(places.some((place) => place.includes(secret))).toBe(false)
    for (const path of ['control.sock', 'ledger.json', 'logs/llamaServer.log', 'litellm/config.yaml']) {
      expect(statSync(join(nexus.home, path)).mode & 0o777).toBe(0o600)
    }
  })
})

describe('after kill -9', () => {
  it.each(['llamaServer', 'proxy'] as const)('of %s it comes back, proved', async (id) => {
    const before = await nexus.until(({ overall }) => overall === 'ready', settleMs)
    process.kill(before.services[id].pid ?? 0, 'SIGKILL')
    const after = await nexus.until(
      ({ overall, services }) => overall === 'ready' && services[id].pid !== before.services[id].pid,
      settleMs,
    )
    expect(after.services[id].restarts).toBe(1)
    expect(after.proof?.provedAt).toBeGreaterThan(before.proof?.provedAt ?? 0)
  })

  it('of the core the next one adopts what it left', async () => {
    const before = await nexus.until(({ overall }) => overall === 'ready', settleMs)
    process.kill(before.owner.pid, 'SIGKILL')
    const orphaned = await nexus.run('status')
    expect(orphaned.code).toBe(3)
    expect(orphaned.stderr).toContain(`AI Engine (pid ${before.services.llamaServer.pid})`)
    expect((await nexus.run('up')).code).toBe(0)
    const after = await nexus.readSnapshot()
    expect(after.overall).toBe('ready')
    expect(after.owner.pid).not.toBe(before.owner.pid)
    for (const id of ['llamaServer', 'proxy'] as const) {
      expect(after.services[id]).toMatchObject({ pid: before.services[id].pid, adopted: true })
    }
    expect(after.proof?.provedAt).toBe(before.proof?.provedAt)
    expect(after.engineModel).toEqual(before.engineModel)
  })
})

describe('the other commands', () => {
  it('restart the Router alone', async () => {
    const before = await nexus.readSnapshot()
    expect((await nexus.run('restart', 'proxy')).code).toBe(0)
    const after = await nexus.until(({ overall }) => overall === 'ready', settleMs)
    expect(after.services.proxy.pid).not.toBe(before.services.proxy.pid)
    expect(after.services.llamaServer.pid).toBe(before.services.llamaServer.pid)
  })

  it('show the logs', async () => {
    const { code, stdout } = await nexus.run('logs', 'llamaServer', '--lines', '5')
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(5)
  })

  it('show the plan with its reasons', async () => {
    const { code, stdout } = await nexus.run('plan', '--json', '--profile', nexus.profilePath)
    const plan = z
      .object({
        engine: z.object({
          argv: z.array(z.string()),
          adaptations: z.array(z.object({ flag: z.string(), reason: z.string() })),
        }),
      })
      .parse(JSON.parse(stdout))
    expect(code).toBe(0)
    expect(plan.engine.argv).toContain('--metrics')
    expect(plan.engine.adaptations.map(({ flag }) => flag)).toContain('--api-key-file')
    const running = await processes.readArgv((await nexus.readSnapshot()).services.llamaServer.pid ?? 0)
    expect(running).toEqual(plan.engine.argv)
  })
})

describe('nexus down', () => {
  it('--eject refuses while a file is open, names the process, and stops nothing', async () => {
    const { ramDisk, services } = await nexus.readSnapshot()
    const fd = openSync(join(ramDisk?.mountPoint ?? '', 'open-file'), 'w')
    const { code, stderr } = await nexus.run('down', '--eject')
    closeSync(fd)
    expect(code).toBe(1)
    expect(stderr).toContain(`pid ${process.pid}`)
    expect((await nexus.readSnapshot()).services.llamaServer.pid).toBe(services.llamaServer.pid)
  })

  it('leaves no process, no socket and no mount but the RAM disk', async () => {
    const { services, owner, ramDisk } = await nexus.readSnapshot()
    expect((await nexus.run('down')).code).toBe(0)
    for (const pid of [services.llamaServer.pid, services.proxy.pid, owner.pid]) {
      expect(await processes.readIdentity(pid ?? 0)).toBeNull()
    }
    for (const port of [nexus.enginePort, nexus.routerPort])
      expect(await processes.readPortOwner(port)).toBeNull()
    expect(existsSync(join(nexus.home, 'control.sock'))).toBe(false)
    expect(existsSync(ramDisk?.mountPoint ?? '')).toBe(true)
    expect((await nexus.run('status')).code).toBe(3)
  })

  it('is done already the second time, and --eject then removes the RAM disk', async () => {
    expect(await nexus.run('down')).toMatchObject({ code: 0 })
    expect((await nexus.run('down', '--eject', '--json')).code).toBe(0)
    const { stdout: mounts } = await promisify(execFile)('mount')
    expect(mounts).not.toContain(nexus.home)
  })
})

describe('failure', () => {
  it('names a stranger on the port, starts nothing else, and leaves it alone', async () => {
    const stranger = spawn(
      process.execPath,
      [
        '-e',
        `require('http').createServer().listen(${nexus.enginePort}, '127.0.0.1', () => console.log('up'))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(stranger.stdout, 'data')
    const { code, stderr } = await nexus.run('up', '--profile', nexus.profilePath)
    expect(code).toBe(1)
    expect(stderr).toContain(`pid ${stranger.pid}`)
    expect(stranger.exitCode).toBeNull()
    const { services } = await nexus.readSnapshot()
    expect(services.llamaServer.foreign?.pid).toBe(stranger.pid)
    expect(services.proxy.phase).toBe('stopped')
    const ended = once(stranger, 'exit')
    stranger.kill()
    await ended
  })

  it('says which model file is missing', async () => {
    const broken = await createNexus({ llamaServer: { modelPath: '/nonexistent/model.gguf' } })
    const { code, stderr } = await broken.run('up', '--profile', broken.profilePath)
    await broken.dispose()
    expect(code).toBe(1)
    expect(stderr).toContain('/nonexistent/model.gguf')
  })
})

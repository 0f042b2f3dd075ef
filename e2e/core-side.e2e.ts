// Everything the window gets from the core of a real stack over its socket: questions, history, logs, notices, settings.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HistorySample, historyStepMs } from '../electron/contract/history.ts'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { attachToCore, type ControlClient } from '../electron/core/control/client.ts'
import { createNexus, endlessAnswers, type NexusUnderTest } from './nexus-command.ts'

const settleMs = 120_000

let nexus: NexusUnderTest
let core: ControlClient
let terminal: ChildProcess

const within = <T>(promise: Promise<T>, what: string, ms = settleMs): Promise<T> => {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never came: ${what}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** As the tray watches: without looking closely. */
const until = (what: string, fits: (snapshot: Snapshot) => boolean, ms = settleMs): Promise<Snapshot> =>
  within(
    new Promise((resolve) => {
      const watch = core.watch(
        (snapshot) => {
          if (!fits(snapshot)) return
          watch.stop()
          resolve(snapshot)
        },
        { watched: false },
      )
    }),
    what,
    ms,
  )

const readKeys = (): readonly string[] =>
  readFileSync(join(nexus.home, 'keys', 'clients.json'), 'utf8').match(/sk-[A-Za-z0-9_-]{8,}/g) ?? []

const openClient = async (): Promise<Anthropic> => {
  const { baseUrl, developers } = await core.ask({ type: 'clients' })
  const developer = developers[0]?.name ?? ''
  const snippet = await core.readSnippet({ developer, snippet: 'bash' })
  const apiKey = /ANTHROPIC_API_KEY='?([^'\n]+)/.exec(snippet)?.[1] ?? 'no key in the snippet'
  return new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: 0 })
}

const tellStory = (client: Anthropic, maxTokens: number, index = 0) =>
  client.messages.stream({
    model: 'claude-sonnet-4-5',
    max_tokens: maxTokens,
    temperature: 0,
    messages: [{ role: 'user', content: `Story number ${index}: count from one to a thousand in words.` }],
  })

/** A shell with a process group of its own, as a terminal's, which goes on after `nexus up`. */
const openTerminal = async (): Promise<ChildProcess> => {
  const command = [join(import.meta.dirname, '..', 'scripts', 'nexus'), 'up', '--profile', nexus.profilePath]
  const shell = spawn('/bin/bash', ['-c', '"$@"; echo "ended with $?"; sleep 600; :', 'bash', ...command], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NEXUS_HOME: nexus.home },
  })
  for await (const line of createInterface({ input: shell.stdout }))
    if (line.startsWith('ended with')) {
      if (line !== 'ended with 0') throw new Error(`nexus up ${line}`)
      return shell
    }
  throw new Error('the terminal ended')
}

beforeAll(async () => {
  nexus = await createNexus({ llamaServer: endlessAnswers })
  terminal = await openTerminal()
  const client = await attachToCore(join(nexus.home, 'control.sock'))
  if (client === null) throw new Error('no core listens')
  core = client
})

afterAll(async () => {
  core?.close()
  if (terminal?.exitCode === null && terminal.signalCode === null)
    process.kill(-(terminal.pid ?? 0), 'SIGKILL')
  await nexus.dispose()
})

describe('the terminal that started it', () => {
  it('is killed with its whole process group, and core and servers go on', async () => {
    const before = await core.readSnapshot()
    const ended = once(terminal, 'exit')
    process.kill(-(terminal.pid ?? 0), 'SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect((await fetch(`http://127.0.0.1:${nexus.enginePort}/health`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${nexus.routerPort}/health/liveliness`)).status).toBe(200)
    const { owner, overall, services } = await core.readSnapshot()
    expect({ owner, overall }).toEqual({ owner: before.owner, overall: 'ready' })
    expect(services.llamaServer.pid).toBe(before.services.llamaServer.pid)
    expect(services.proxy.pid).toBe(before.services.proxy.pid)
  })
})

describe('questions', () => {
  it('plan: the plan, and the allocations that llama-server reports', async () => {
    const plan = await core.ask({ type: 'plan' })
    expect(plan).toMatchObject({ profile: nexus.profilePath, problems: [], memoryUnknown: null })
    expect(plan.memory?.verdict).toBe('fits')
    const weights = plan.memory?.lines.find(({ label }) => label.includes('weights'))
    const allocated = weights?.allocatedBytes ?? 0
    expect(Math.abs(allocated - (weights?.bytes ?? 0))).toBeLessThan(0.02 * allocated)
    expect(plan.engine.argv).toContain(String(nexus.enginePort))
  })

  it('doctor: the same checks as the command, and this core among them', async () => {
    const { checks } = await core.ask({ type: 'doctor' })
    const said = JSON.parse((await nexus.run('doctor', '--json', '--profile', nexus.profilePath)).stdout)
    expect(checks.map(({ id }) => id)).toEqual(said.checks.map(({ id }: { id: string }) => id))
    expect(checks.filter(({ level }) => level === 'fail')).toEqual([])
  })

  it('models: the same, in the same order, as the command', async () => {
    const { models, bestId } = await core.ask({ type: 'models' })
    const said = JSON.parse((await nexus.run('models', '--json')).stdout)
    expect(bestId).toBe(said.best)
    expect(models.map(({ id, fit, tokensPerAgent }) => ({ id, fit, tokensPerAgent }))).toEqual(
      said.models.map(
        ({ model, fit, tokensPerAgent }: (typeof models)[number] & { model: { id: string } }) => ({
          id: model.id,
          fit,
          tokensPerAgent,
        }),
      ),
    )
  })

  it('clients and settings: nothing secret in them; the snippet has the key', async () => {
    const [clients, settings, snapshot] = await Promise.all([
      core.ask({ type: 'clients' }),
      core.ask({ type: 'settings' }),
      core.readSnapshot(),
    ])
    const shown = JSON.stringify([clients, settings, snapshot])
    expect(readKeys().length).toBeGreaterThan(0)
    for (const key of readKeys()) expect(shown).not.toContain(key)
    const developer = clients.developers[0]?.name ?? ''
    const snippet = await core.readSnippet({ developer, snippet: 'bash' })
    expect(readKeys().some((key) => snippet.includes(key))).toBe(true)
    await expect(core.readSnippet({ developer: 'nobody', snippet: 'bash' })).rejects.toThrow('nobody')
  })

  it('logTail: the end of each log, and nothing for one that does not exist', async () => {
    const lines = await core.ask({ type: 'logTail', log: 'llamaServer', lines: 50 })
    expect(lines).toHaveLength(50)
    expect(await core.ask({ type: 'logTail', log: 'gateway', lines: 5 })).toEqual([])
  })
})

describe('the snapshot', () => {
  it('has the map of the memory, measured where something runs', async () => {
    const { memoryMap, memory } = await until('a memory map', (next) => next.memoryMap !== null)
    expect(memoryMap?.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(memory?.totalBytes)
    expect(memoryMap?.parts.find(({ id }) => id === 'engine')?.source).toBe('measured')
  })

  it('lists the events since the start', async () => {
    const { events, setUp } = await core.readSnapshot()
    const texts = events.map(({ text }) => text).join('\n')
    expect(texts).toMatch(/AI Engine is ready after [\d.]+ m?s/)
    expect(texts).toMatch(/Router is ready after/)
    expect(texts).toMatch(/A Claude request came back in/)
    expect(setUp).toBeNull()
  })
})

describe('what flows', () => {
  it('history: all of it first, then a sample for each step, and it moves with the tokens', async () => {
    const pieces: (readonly HistorySample[])[] = []
    const client = await openClient()
    const stream = tellStory(client, 2_000)
    let stop = () => {}
    const moved = new Promise<void>((resolve) => {
      stop = core.watchHistory((samples) => {
        pieces.push(samples)
        const busy = samples.some(
          ({ busySlots, generationTokensPerSecond }) =>
            (busySlots ?? 0) > 0 && (generationTokensPerSecond ?? 0) > 0,
        )
        if (pieces.length > 2 && busy) resolve()
      })
    })
    await within(moved, 'a step with tokens in it')
    stop()
    stream.abort()
    await stream.done().catch(() => {})
    const steps = pieces.flat().map(({ at }) => at)
    expect(steps).toEqual(steps.map((_, index) => (steps[0] ?? 0) + index * historyStepMs))
    for (const piece of pieces.slice(1)) expect(piece).toHaveLength(1)
  })

  it('followLog: the lines of a request, as they are written', async () => {
    const client = await openClient()
    const lines: string[] = []
    let stop = () => {}
    const heard = new Promise<void>((resolve) => {
      stop = core.followLog('llamaServer', (piece) => {
        lines.push(...piece)
        if (lines.some((line) => line.includes('slot'))) resolve()
      })
    })
    await tellStory(client, 8).finalMessage()
    await within(heard, 'a line about a slot')
    stop()
    expect(lines.every((line) => !line.includes('\n'))).toBe(true)
  })
})

describe('six streams on four slots', () => {
  it('raise one notice after 10 s, even for a coarse watcher, and it goes when a slot is free', async () => {
    const client = await openClient()
    const began = Date.now()
    const streams = Array.from({ length: 6 }, (_, index) => tellStory(client, 4_000, index))
    const isFull = ({ id }: { id: string }) => id === 'slots-full'
    const full = await until('the notice', ({ notices }) => notices.some(isFull))
    const notice = full.notices.find(isFull)
    expect(notice).toMatchObject({ title: 'All 4 slots are busy', severity: 'warning', raise: true })
    expect(full.takenAt - (notice?.since ?? 0)).toBeGreaterThanOrEqual(10_000)
    expect(notice?.since).toBeGreaterThanOrEqual(began)
    expect(full.events.at(-1)?.text).toBe('All 4 slots are busy')
    for (const stream of streams) stream.abort()
    await Promise.allSettled(streams.map((stream) => stream.done()))
    const after = await until('its end', ({ notices }) => !notices.some(isFull))
    expect(after.events.at(-1)?.text).toMatch(/^A slot is free again, after/)
  })
})

describe('settings', () => {
  it('are replaced only by a client with the latest revision', async () => {
    const { config, revision, path } = await core.ask({ type: 'settings' })
    const changed = { ...config, drainSeconds: 3 }
    expect(await core.dispatch({ type: 'configure', config: changed, revision })).toEqual({ accepted: true })
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ drainSeconds: 3 })
    expect(await core.dispatch({ type: 'configure', config, revision })).toMatchObject({ accepted: false })
    const impossible = { ...changed, profiles: { demo: { proxy: { port: 8080 } } }, profile: 'demo' }
    const next = await core.ask({ type: 'settings' })
    expect(next.config.drainSeconds).toBe(3)
    expect(
      await core.dispatch({ type: 'configure', config: impossible, revision: next.revision }),
    ).toMatchObject({ accepted: false, reason: expect.stringContaining('proxy.port: found 8080') })
    expect((await core.readSnapshot()).events.at(-1)?.text).toBe('Settings changed')
  })

  it('that differ from the running ones are listed, and applied by a restart', async () => {
    expect((await core.ask({ type: 'settings' })).restartNeeded).toEqual([])
    const profile = JSON.parse(readFileSync(nexus.profilePath, 'utf8'))
    profile.llamaServer.slots = 2
    writeFileSync(nexus.profilePath, JSON.stringify(profile))
    expect((await core.ask({ type: 'settings' })).restartNeeded).toEqual([
      { key: 'llamaServer.slots', running: '4', configured: '2' },
    ])
    const before = await core.readSnapshot()
    expect(await core.dispatch({ type: 'restart', only: null })).toEqual({ accepted: true })
    const after = await until(
      'the restarted stack',
      ({ overall, services, slots }) =>
        overall === 'ready' && services.llamaServer.pid !== before.services.llamaServer.pid && slots !== null,
    )
    expect(after.slots).toHaveLength(2)
    expect((await core.ask({ type: 'settings' })).restartNeeded).toEqual([])
  })
})

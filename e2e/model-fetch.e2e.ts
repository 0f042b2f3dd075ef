// `nexus model fetch` of 300 MB from a Hub on this machine, through a cut line, Ctrl-C and kill -9 of the core (issue 16).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { createTestHub, makeTestFile, type TestHub } from '../electron/core/models/test-support/test-hub.ts'
import { untilNoCore } from './core-end.ts'
import { collectResult, createNexus, type NexusUnderTest } from './nexus-command.ts'

const repo = 'unsloth/Tiny-GGUF'
const file = makeTestFile('Tiny-Q8_0.gguf', 300_000_000)
/** Of each of the first two answers; a cut line loses what is still on the way. */
const cutAfter = 60_000_000
const silentAfter = 80_000_000
const timeoutMs = 60_000

let nexus: NexusUnderTest
let hub: TestHub

beforeAll(async () => {
  nexus = await createNexus()
  hub = await createTestHub({ repo, files: [file], token: 'hf_secret' })
})
afterAll(async () => {
  await nexus.dispose()
  await hub.close()
})

const fetchOf = ({ fetches = [] }: Snapshot) => fetches.find(({ id }) => id === repo)
const storageRanges = () => hub.requests.filter(({ at }) => at === 'storage').map(({ from }) => from)
const partBytes = () => {
  const path = join(nexus.home, 'models', '.Tiny-Q8_0.gguf.part')
  return existsSync(path) ? statSync(path).size : 0
}

it('ends verified', { timeout: 4 * timeoutMs }, async () => {
  hub.misbehave(({ at, count }) => {
    if (at !== 'storage') return null
    if (count === 1) return { kind: 'cut', afterBytes: cutAfter }
    return count === 2 ? { kind: 'silent', afterBytes: silentAfter } : null
  })
  const command = spawn(join(import.meta.dirname, '..', 'scripts', 'nexus'), ['model', 'fetch', repo], {
    env: { ...process.env, NEXUS_HOME: nexus.home, HF_ENDPOINT: hub.url, HF_TOKEN: 'hf_secret' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = collectResult(command)
  await expect.poll(() => storageRanges().length, { timeout: timeoutMs }).toBe(2)
  const cutAt = storageRanges()[1] ?? Number.NaN
  const killedAt = cutAt + silentAfter
  await expect.poll(partBytes, { timeout: timeoutMs }).toBe(killedAt)

  // The terminal closes, the core continues.
  command.kill('SIGINT')
  expect(await said).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `The core keeps fetching it. nexus model fetch ${repo} shows it again; nexus model cancel ${repo} stops it.`,
    ),
  })
  const before = await nexus.readSnapshot()
  expect(fetchOf(before)).toMatchObject({ phase: 'fetching', totalBytes: file.bytes, doneBytes: killedAt })
  expect(before.owner.background).toBe(false)
  process.kill(before.owner.pid, 'SIGKILL')
  await untilNoCore(nexus.home)

  // Nothing but a new core: no command names the model. Its token went with the old one's memory.
  const started = await nexus.runWith({ HF_TOKEN: 'hf_secret' }, 'serve', '--detach')
  expect(started).toMatchObject({ code: 0 })
  const after = await nexus.until((snapshot) => fetchOf(snapshot)?.phase === 'done', timeoutMs)
  const path = join(nexus.home, 'models', file.path)
  expect(fetchOf(after)).toMatchObject({ doneBytes: file.bytes, reason: path })
  if (process.platform === 'linux') {
    const status = readFileSync(`/proc/${after.owner.pid}/status`, 'utf8')
    const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])
    expect(peakKiB).toBeLessThan(220_000)
  }
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  expect(hash.digest('hex')).toBe(file.sha256)
  expect(cutAt).toBeGreaterThan(0)
  expect(storageRanges()).toEqual([null, cutAt, killedAt])
  for (const name of ['fetches.json', 'logs/core.log'])
    expect(readFileSync(join(nexus.home, name), 'utf8')).not.toContain('hf_secret')

  expect((await nexus.run('model', 'list')).stdout).toContain(
    `Tiny-Q8_0    286 MiB  whole, ${repo}:${file.path}`,
  )
  // It was only there for the fetch.
  await untilNoCore(nexus.home)
  expect(await nexus.run('model', 'remove', 'Tiny-Q8_0')).toMatchObject({
    code: 0,
    stdout: 'Tiny-Q8_0 is removed.\n',
  })
  expect(existsSync(path)).toBe(false)
})

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ModelFetch } from '../../contract/snapshot.ts'
import { createModelFetches, type ModelFetches, type ModelFetchesOptions } from './model-fetches.ts'
import {
  createTestHub,
  type Misbehaviour,
  makeTestFile,
  type TestHub,
  type TestHubOptions,
} from './test-support/test-hub.ts'

const repo = 'unsloth/Tiny-GGUF'
const file = makeTestFile('Tiny-Q8_0.gguf', 1_500_000)
const part1 = makeTestFile('Q8_0/Big-Q8_0-00001-of-00002.gguf', 300_000)
const part2 = makeTestFile('Q8_0/Big-Q8_0-00002-of-00002.gguf', 200_001)

let root: string
let hub: TestHub
let opened: ModelFetches[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nexus-fetch-'))
  mkdirSync(join(root, 'keys'))
  opened = []
})
afterEach(async () => {
  for (const fetches of opened) await fetches.close()
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})

const modelsDir = () => join(root, 'models')
const room = () => ({ dir: modelsDir(), freeBytes: 2 ** 40, isMemory: false })

const open = (overrides: Partial<ModelFetchesOptions> = {}) => {
  const ended: ModelFetch[] = []
  const phases: string[] = []
  let settle = () => {}
  const fetches = createModelFetches({
    folder: { modelsDir: modelsDir(), fetchesPath: join(root, 'fetches.json'), keysDir: join(root, 'keys') },
    env: {},
    readCatalogue: () => [],
    findElsewhere: async () => [],
    ramDiskMount: () => null,
    onChange: () => {
      const phase = fetches.state().at(-1)?.phase
      if (phase !== undefined && phases.at(-1) !== phase) phases.push(phase)
    },
    onEnded: (fetch) => {
      ended.push(fetch)
      settle()
    },
    logError: (error) => {
      throw error
    },
    pace: { silenceMs: 5_000, firstWaitMs: 1, longestWaitMs: 4 },
    readRoom: room,
    ...overrides,
  })
  opened.push(fetches)
  const untilEnded = async (): Promise<ModelFetch> => {
    if (ended.length === 0)
      await new Promise<void>((resolve) => {
        settle = resolve
      })
    const last = ended.at(-1)
    if (last === undefined) throw new Error('none has ended')
    return last
  }
  const start = (model: string, token: string | null = null) =>
    fetches.start({ type: 'fetchModel', model, endpoint: hub.url, token })
  return { fetches, phases, ended, start, untilEnded }
}

const serve = async (options: Partial<TestHubOptions> = {}) => {
  hub = await createTestHub({ repo, files: [file], ...options })
}

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const storageRanges = () => hub.requests.filter(({ at }) => at === 'storage').map(({ from }) => from)
const targetPath = () => join(modelsDir(), 'Tiny-Q8_0.gguf')
const partPath = () => join(modelsDir(), '.Tiny-Q8_0.gguf.part')

const expectWhole = (fetch: ModelFetch) => {
  expect(fetch).toMatchObject({ phase: 'done', doneBytes: file.bytes, totalBytes: file.bytes })
  expect(hashOf(targetPath())).toBe(file.sha256)
  expect(statSync(targetPath()).mode & 0o777).toBe(0o644)
  expect(existsSync(partPath())).toBe(false)
}

/** Only at the first request of this kind. */
const atFirst = (at: 'api' | 'resolve' | 'storage', wrong: Misbehaviour) =>
  hub.misbehave((request) => (request.at === at && request.count === 1 ? wrong : null))

describe('a model is fetched', () => {
  it('whole, checked, readable by all, and not a second time', async () => {
    await serve()
    const one = open()
    expect(one.start(repo)).toEqual({ accepted: true })
    expectWhole(await one.untilEnded())
    expect(one.phases).toEqual(['queued', 'listing', 'fetching', 'done'])
    expect(JSON.parse(readFileSync(join(root, 'fetches.json'), 'utf8'))).toEqual({ version: 1, fetches: [] })
    const again = open()
    again.start(repo)
    expect(await again.untilEnded()).toMatchObject({ phase: 'done', reason: targetPath() })
    expect(storageRanges()).toEqual([null])
  })

  it('in all its parts, by the name of the one file, over pages of the list', async () => {
    await serve({ files: [part2, file, part1], pageEntries: 1 })
    const { start, untilEnded } = open()
    start(`${repo}:Big-Q8_0.gguf`)
    const first = join(modelsDir(), 'Big-Q8_0-00001-of-00002.gguf')
    expect(await untilEnded()).toMatchObject({ phase: 'done', reason: first, doneBytes: 500_001 })
    expect(hashOf(first)).toBe(part1.sha256)
    expect(hashOf(join(modelsDir(), 'Big-Q8_0-00002-of-00002.gguf'))).toBe(part2.sha256)
  })

  it('once, however often it is requested', async () => {
    await serve()
    hub.misbehave(({ at }) => (at === 'storage' ? { kind: 'slow', bytesPerSecond: 4_000_000 } : null))
    const { fetches, start, untilEnded } = open()
    start(repo)
    await expect.poll(() => fetches.state()[0]?.phase).toBe('fetching')
    expect(start(repo)).toEqual({ accepted: true })
    expect(fetches.state()).toMatchObject([{ phase: 'fetching' }])
    await untilEnded()
    expect(storageRanges()).toEqual([null])
  })

  it('once by two cores: the second one waits, and finds it', async () => {
    await serve()
    hub.misbehave(({ at }) => (at === 'storage' ? { kind: 'slow', bytesPerSecond: 4_000_000 } : null))
    const one = open()
    const other = open({
      folder: { modelsDir: modelsDir(), fetchesPath: join(root, 'other.json'), keysDir: join(root, 'keys') },
    })
    one.start(repo)
    other.start(repo)
    expectWhole(await one.untilEnded())
    expect(await other.untilEnded()).toMatchObject({ phase: 'done' })
    expect(storageRanges()).toEqual([null])
  })
})

describe('an interruption', () => {
  it.each([
    ['a cut line', { kind: 'cut', afterBytes: 700_000 }],
    ['silence', { kind: 'silent', afterBytes: 700_000 }],
  ] satisfies readonly (readonly [string, Misbehaviour])[])(
    '%s: the rest is fetched by range',
    async (_, wrong) => {
      await serve()
      atFirst('storage', wrong)
      const { phases, start, untilEnded } = open({
        pace: { silenceMs: 200, firstWaitMs: 1, longestWaitMs: 4 },
      })
      start(repo)
      expectWhole(await untilEnded())
      expect(phases).toEqual(['queued', 'listing', 'fetching', 'waiting', 'fetching', 'done'])
      const [first, second] = storageRanges()
      expect(first).toBeNull()
      expect(second).toBeGreaterThan(0)
      expect(storageRanges()).toHaveLength(2)
    },
  )

  it('of the core: the next one resumes without listing the repository again', async () => {
    await serve()
    hub.misbehave(({ at, count }) =>
      at === 'storage' && count === 1 ? { kind: 'silent', afterBytes: 700_000 } : null,
    )
    const one = open()
    one.start(repo)
    await expect.poll(() => existsSync(partPath()) && statSync(partPath()).size).toBe(700_000)
    await one.fetches.close()
    expect(one.ended).toEqual([])
    // As another umask makes it.
    chmodSync(partPath(), 0o664)
    const asked = hub.requests.filter(({ at }) => at === 'api').length
    const next = open()
    next.fetches.resume()
    expect(next.fetches.isActive()).toBe(true)
    expectWhole(await next.untilEnded())
    expect(next.phases).toEqual(['checking', 'fetching', 'done'])
    expect(storageRanges()).toEqual([null, 700_000])
    expect(hub.requests.filter(({ at }) => at === 'api')).toHaveLength(asked)
  })

  it('with bytes lost on the disk: the file is fetched again, once', async () => {
    await serve()
    mkdirSync(modelsDir())
    atFirst('storage', { kind: 'silent', afterBytes: 700_000 })
    const one = open()
    one.start(repo)
    await expect.poll(() => existsSync(partPath()) && statSync(partPath()).size).toBe(700_000)
    await one.fetches.close()
    // As after a power failure: the length is right, but the bytes are missing (fsync(2)).
    truncateSync(partPath(), 100_000)
    truncateSync(partPath(), 700_000)
    const next = open()
    next.fetches.resume()
    expectWhole(await next.untilEnded())
    expect(storageRanges()).toEqual([null, 700_000, null])
  })

  it('cancelled: nothing more is fetched, and the next fetch resumes', async () => {
    await serve()
    atFirst('storage', { kind: 'silent', afterBytes: 700_000 })
    const { fetches, start, untilEnded } = open()
    start(repo)
    await expect.poll(() => existsSync(partPath()) && statSync(partPath()).size).toBe(700_000)
    expect(fetches.cancel('other/model')).toEqual({
      accepted: false,
      reason: `"other/model" is not being fetched; being fetched: ${repo}`,
    })
    expect(fetches.cancel(repo)).toEqual({ accepted: true })
    expect(await untilEnded()).toMatchObject({ phase: 'cancelled' })
    expect(fetches.isActive()).toBe(false)
    expect(JSON.parse(readFileSync(join(root, 'fetches.json'), 'utf8'))).toEqual({ version: 1, fetches: [] })
    const next = open()
    next.start(repo)
    expectWhole(await next.untilEnded())
    expect(storageRanges()).toEqual([null, 700_000])
  })
})

describe('a server that misbehaves', () => {
  it('without ranges: the file is begun again', async () => {
    await serve()
    hub.misbehave(({ at, count }) =>
      at !== 'storage' ? null : count === 1 ? { kind: 'cut', afterBytes: 700_000 } : { kind: 'whole' },
    )
    const { start, untilEnded } = open()
    start(repo)
    expectWhole(await untilEnded())
  })

  it('that sends the file itself and has changed it: the rest of the new file is not appended (If-Range)', async () => {
    await serve({ ownEtag: '"new"' })
    mkdirSync(modelsDir())
    writeFileSync(partPath(), Buffer.alloc(500_000, 7))
    writeFileSync(
      join(modelsDir(), '.Tiny-Q8_0.gguf.fetched.json'),
      JSON.stringify({
        version: 1,
        repo,
        revision: 'a'.repeat(40),
        path: file.path,
        bytes: file.bytes,
        sha256: file.sha256,
        etag: '"old"',
        verified: null,
      }),
    )
    const { start, untilEnded } = open()
    start(repo)
    expectWhole(await untilEnded())
    expect(
      hub.requests.filter(({ at }) => at === 'resolve').map(({ headers }) => headers['if-range']),
    ).toEqual(['"old"'])
  })

  it('whose links expire: a new one is requested', async () => {
    await serve()
    hub.misbehave(({ at, count }) => {
      // Between the link and its use.
      if (at === 'resolve' && count === 1) setImmediate(hub.expireLinks)
      return null
    })
    const { start, untilEnded } = open()
    start(repo)
    expectWhole(await untilEnded())
    expect(hub.requests.map(({ at }) => at).slice(2)).toEqual(['resolve', 'storage', 'resolve', 'storage'])
  })

  it.each([
    ['Retry-After in seconds', { 'retry-after': '1' }],
    ['the Hub’s own RateLimit', { ratelimit: '"resolvers";r=0;t=1' }],
  ] as const)('that asks to wait by %s gets the wait', async (_, headers) => {
    await serve()
    atFirst('resolve', { kind: 'status', status: 429, headers })
    const { fetches, start, untilEnded } = open()
    const begun = performance.now()
    start(repo)
    await expect.poll(() => fetches.state()[0]?.phase).toBe('waiting')
    expect(fetches.state()[0]?.reason).toBe('the Hub asks us to wait (429, too many requests)')
    expectWhole(await untilEnded())
    expect(performance.now() - begun).toBeGreaterThan(990)
  })

  it.each([
    ['api', { kind: 'status', status: 503 }],
    ['api', { kind: 'close' }],
    ['api', { kind: 'html' }],
    ['resolve', { kind: 'status', status: 500 }],
    ['resolve', { kind: 'close' }],
    ['storage', { kind: 'status', status: 502 }],
    ['storage', { kind: 'close' }],
    ['storage', { kind: 'html' }],
    ['storage', { kind: 'length', bytes: 900_000, announced: true }],
    ['storage', { kind: 'length', bytes: 900_000, announced: false }],
    ['storage', { kind: 'length', bytes: 1_500_001, announced: false }],
    ['storage', { kind: 'corrupt' }],
  ] satisfies readonly (readonly [HubPlace, Misbehaviour])[])('once, at its %s: %o', async (at, wrong) => {
    await serve()
    atFirst(at, wrong)
    const { start, untilEnded } = open()
    start(repo)
    expectWhole(await untilEnded())
  })

  it('that sends a different part from the requested one', async () => {
    await serve()
    hub.misbehave(({ at, count }) => {
      if (at !== 'storage') return null
      if (count === 1) return { kind: 'cut', afterBytes: 700_000 }
      return count === 2 ? { kind: 'other-part' } : null
    })
    const { start, untilEnded } = open()
    start(repo)
    expectWhole(await untilEnded())
  })

  it.each([
    [
      'storage',
      { kind: 'corrupt' },
      /^Tiny-Q8_0.gguf has the hash [0-9a-f]{64} instead of [0-9a-f]{64}, twice/,
    ],
    ['storage', { kind: 'html' }, /^got a web page instead of the file/],
    [
      'storage',
      { kind: 'length', bytes: 9, announced: true },
      /^the server announced 9 bytes instead of the published 1500000/,
    ],
    [
      'storage',
      { kind: 'length', bytes: 1_500_001, announced: false },
      /^got more than the published 1500000 bytes/,
    ],
    ['storage', { kind: 'status', status: 403 }, /^the storage answers 403 instead of the file/],
    ['api', { kind: 'html' }, /^127.0.0.1:\d+ returned text\/html; charset=utf-8 instead of a list of files/],
    [
      'resolve',
      { kind: 'redirect', location: 'http://example.com/x?sig=secret' },
      /^127.0.0.1:\d+ redirects to http:\/\/example.com; allowed: https$/,
    ],
    [
      'resolve',
      { kind: 'redirect', location: 'ftp://127.0.0.1/x' },
      /redirects to ftp:\/\/127.0.0.1; allowed: https$/,
    ],
    [
      'api',
      { kind: 'redirect', location: '/api/models/unsloth/Tiny-GGUF/revision/main' },
      /redirects in a loop/,
    ],
    [
      'api',
      { kind: 'status', status: 404, headers: { 'x-error-code': 'RepoNotFound' } },
      /^there is no unsloth\/Tiny-GGUF at 127/,
    ],
    [
      'resolve',
      { kind: 'status', status: 404, headers: { 'x-error-code': 'EntryNotFound' } },
      /^unsloth\/Tiny-GGUF has no Tiny-Q8_0.gguf$/,
    ],
  ] satisfies readonly (readonly [HubPlace, Misbehaviour, RegExp])[])(
    'always, at its %s: %o',
    async (at, wrong, reason) => {
      await serve()
      hub.misbehave((request) => (request.at === at ? wrong : null))
      const { start, untilEnded } = open()
      start(repo)
      const ended = await untilEnded()
      expect(ended.phase).toBe('failed')
      expect(ended.reason).toMatch(reason)
      expect(existsSync(targetPath())).toBe(false)
      expect(JSON.stringify(ended)).not.toContain('secret')
    },
  )

  it('that has a different file there now', async () => {
    await serve()
    const listing = {
      revision: 'a'.repeat(40),
      files: [{ path: file.path, bytes: 5, sha256: 'f'.repeat(64) }],
    }
    const request = { id: repo, repo, file: null, files: null }
    writeFileSync(
      join(root, 'fetches.json'),
      JSON.stringify({ version: 1, fetches: [{ request, endpoint: hub.url, listing }] }),
    )
    const { fetches, untilEnded } = open()
    fetches.resume()
    expect(await untilEnded()).toMatchObject({
      phase: 'failed',
      reason: `Tiny-Q8_0.gguf has changed at ${repo} in the meantime; fetch it again`,
    })
    expect(existsSync(targetPath())).toBe(false)
  })

  it('that cannot be reached is asked again until it can', async () => {
    await serve()
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const address = closed.address()
    closed.close()
    const { fetches } = open()
    const port = typeof address === 'object' ? address?.port : null
    fetches.start({ type: 'fetchModel', model: repo, endpoint: `http://127.0.0.1:${port}`, token: null })
    await expect.poll(() => fetches.state()[0]?.reason).toMatch(/^the connection was lost \(.*ECONNREFUSED/)
    expect(fetches.isActive()).toBe(true)
  })
})

type HubPlace = 'api' | 'resolve' | 'storage'

describe('a gated model', () => {
  it('says what to do without a token', async () => {
    await serve({ token: 'hf_right' })
    const { start, untilEnded } = open()
    start(repo)
    expect((await untilEnded()).reason).toBe(
      `${repo} is gated: request access at ${hub.url}/${repo}, create a token at ${hub.url}/settings/tokens, then put a token into ${join(root, 'keys', 'huggingface.token')} (mode 600) or HF_TOKEN and fetch again`,
    )
  })

  it('says what to do with a token without access', async () => {
    await serve({ token: 'hf_right' })
    const { start, untilEnded } = open()
    start(repo, 'hf_wrong')
    const { reason } = await untilEnded()
    expect(reason).toMatch(/the token's account has no access/)
    expect(reason).not.toContain('hf_wrong')
  })

  it.each(['command', 'variable', 'file'] as const)(
    'is fetched with a token by %s, which is sent only to the Hub and never saved',
    async (way) => {
      await serve({ token: 'hf_right' })
      const tokenPath = join(root, 'keys', 'huggingface.token')
      if (way === 'file') writeFileSync(tokenPath, 'hf_right\n', { mode: 0o600 })
      const { start, untilEnded } = open(way === 'variable' ? { env: { HF_TOKEN: 'hf_right' } } : {})
      start(repo, way === 'command' ? 'hf_right' : null)
      expectWhole(await untilEnded())
      expect(
        hub.requests.filter(({ headers }) => headers.authorization !== undefined).map(({ at }) => at),
      ).toEqual(['api', 'api', 'resolve'])
      for (const name of readdirSync(modelsDir()).filter((each) => each.endsWith('.json')))
        expect(readFileSync(join(modelsDir(), name), 'utf8')).not.toContain('hf_right')
    },
  )

  it('a token that others may read is not used', async () => {
    await serve({ token: 'hf_right' })
    const tokenPath = join(root, 'keys', 'huggingface.token')
    writeFileSync(tokenPath, 'hf_right\n')
    chmodSync(tokenPath, 0o644)
    const { start, untilEnded } = open()
    start(repo)
    expect((await untilEnded()).reason).toBe(`${tokenPath} is readable by others (mode 644): chmod 600 it`)
    expect(hub.requests).toEqual([])
  })
})

describe('the disk', () => {
  it('without room for it: nothing is fetched', async () => {
    await serve()
    const { start, untilEnded } = open({
      readRoom: (dir) => ({ dir, freeBytes: 2 * 1024 ** 3, isMemory: false }),
    })
    start(repo)
    expect(await untilEnded()).toMatchObject({
      phase: 'failed',
      reason: `the download needs 1 MiB, but ${modelsDir()} has 2.00 GiB free, of which 2.00 GiB must stay free: free 1 MiB more and fetch again`,
    })
    expect(storageRanges()).toEqual([])
  })

  it('that is a RAM disk: never', async () => {
    await serve()
    const { start, untilEnded } = open({ readRoom: (dir) => ({ dir, freeBytes: 2 ** 40, isMemory: true }) })
    start(repo)
    expect((await untilEnded()).reason).toMatch(/is on a RAM disk/)
  })

  it('with a different file of that name: the file stays', async () => {
    await serve()
    mkdirSync(modelsDir())
    writeFileSync(targetPath(), 'mine')
    const { start, untilEnded } = open()
    start(repo)
    expect((await untilEnded()).reason).toBe(
      `${targetPath()} exists and differs from the file at ${repo}: move it away first`,
    )
    expect(readFileSync(targetPath(), 'utf8')).toBe('mine')
  })

  it('with a fetched file that was changed since: it does not count as the published one', async () => {
    await serve()
    const one = open()
    one.start(repo)
    expectWhole(await one.untilEnded())
    writeFileSync(targetPath(), Buffer.alloc(file.bytes, 1))
    utimesSync(targetPath(), 1, 1)
    const next = open()
    next.start(repo)
    expect((await next.untilEnded()).reason).toMatch(/exists and differs from the file at/)
  })

  it('with the published file, put there by hand: it is checked once', async () => {
    await serve()
    mkdirSync(modelsDir())
    writeFileSync(targetPath(), file.read(0, file.bytes), { mode: 0o644 })
    const { start, untilEnded, phases } = open()
    start(repo)
    expectWhole(await untilEnded())
    expect(phases).toEqual(['queued', 'listing', 'checking', 'done'])
    expect(storageRanges()).toEqual([])
  })
})

describe("another program's copy", () => {
  it('is used in place if its bytes are the published ones', async () => {
    await serve()
    const lying = join(root, 'lying.gguf')
    const copy = join(root, 'copy.gguf')
    writeFileSync(lying, Buffer.alloc(file.bytes, 1))
    writeFileSync(copy, file.read(0, file.bytes))
    // What an earlier copy has left, that its program has removed since.
    mkdirSync(modelsDir())
    symlinkSync(join(root, 'gone.gguf'), targetPath())
    const { start, untilEnded } = open({ findElsewhere: async () => [lying, copy] })
    start(repo)
    expect(await untilEnded()).toMatchObject({ phase: 'done', reason: targetPath() })
    expect(lstatSync(targetPath()).isSymbolicLink()).toBe(true)
    expect(readlinkSync(targetPath())).toBe(copy)
    expect(storageRanges()).toEqual([])
  })
})

it('refuses an invalid Hub address without printing its password', async () => {
  await serve()
  const { fetches } = open()
  for (const endpoint of ['http://hub.example', 'https://ana:secret@hub.example', 'hub.example'])
    expect(fetches.start({ type: 'fetchModel', model: repo, endpoint, token: null })).toEqual({
      accepted: false,
      reason:
        'HF_ENDPOINT must be an address such as https://huggingface.co: https (http only on this machine), without a password',
    })
})

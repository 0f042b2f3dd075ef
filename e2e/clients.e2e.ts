// Client settings, tried as a client: the connection test, and the real Traefik in front of the real Router.

import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { freePorts } from './free-ports.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'
import { startTraefik } from './traefik.ts'

const execFileAsync = promisify(execFile)
const traefikProgram = process.env['NEXUS_TEST_TRAEFIK']
const GuideSchema = z.object({ baseUrl: z.string(), apiKey: z.string() })
const SnippetsSchema = z.object({
  developers: z.array(z.object({ snippets: z.array(z.object({ id: z.string(), text: z.string() })) })),
})
const ReportSchema = z.object({
  works: z.boolean(),
  failed: z.string().nullable(),
  steps: z.array(z.object({ id: z.string(), level: z.string(), found: z.string() })),
})

let nexus: NexusUnderTest
/** Another machine: nothing of ours runs there. */
let laptop: NexusUnderTest
let baseUrl = ''
let keyFile = ''

const testFrom = async (machine: NexusUnderTest, ...words: string[]) => {
  const { code, stdout } = await machine.run('clients', '--test', '--json', ...words)
  return { code, report: ReportSchema.parse(JSON.parse(stdout)) }
}

beforeAll(async () => {
  nexus = await createNexus()
  laptop = await createNexus()
  expect((await nexus.run('up', '--profile', nexus.profilePath)).code).toBe(0)
  const guide = GuideSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
  baseUrl = guide.baseUrl
  keyFile = join(laptop.home, 'key')
  writeFileSync(keyFile, `${guide.apiKey}\n`, { mode: 0o600 })
})

afterAll(async () => {
  await nexus.dispose()
  rmSync(laptop.home, { recursive: true, force: true })
})

describe('nexus clients --test', () => {
  it('walks to the model from the machine itself', async () => {
    const { code, report } = await testFrom(nexus)
    expect(report.steps.map(({ id, level }) => `${id} ${level}`)).toEqual([
      'address ok',
      'name ok',
      'connection ok',
      'router ok',
      'key ok',
      'model ok',
    ])
    expect(code).toBe(0)
  })

  it('needs only an address and a key on another machine, and leaves nothing there', async () => {
    const { code, report } = await testFrom(laptop, '--url', baseUrl, '--key-file', keyFile)
    expect(report.works).toBe(true)
    expect(code).toBe(0)
    expect(existsSync(join(laptop.home, 'keys'))).toBe(false)
  })

  it('names what is missing, with the exit code for usage', async () => {
    const { code, stderr } = await laptop.run('clients', '--test', '--url', baseUrl)
    expect(code).toBe(2)
    expect(stderr).toContain('found no key')
  })

  it('does not send the keys of this machine to another one', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737).
    const { code, stderr } = await nexus.run('clients', '--test', '--url', 'http://192.0.2.1:4000')
    expect(code).toBe(2)
    expect(stderr).toContain("this machine's keys are not sent there")
  })

  it('ends at the key when it is wrong', async () => {
    const wrong = join(laptop.home, 'wrong')
    writeFileSync(wrong, 'sk-opta-not-a-key-of-anybody-here')
    const { code, report } = await testFrom(laptop, '--url', baseUrl, '--key-file', wrong)
    expect(report.failed).toBe('key')
    expect(code).toBe(1)
  })

  it('knows llama-server by its own port', async () => {
    const url = `http://127.0.0.1:${nexus.enginePort}`
    const { report } = await testFrom(laptop, '--url', url, '--key-file', keyFile)
    expect(report.steps.find(({ level }) => level === 'fail')?.found).toContain('(llama-server) itself')
  })

  it('exits with the code for "not running" when nothing listens', async () => {
    const [port] = await freePorts()
    const { code, report } = await testFrom(
      laptop,
      '--url',
      `http://127.0.0.1:${port}`,
      '--key-file',
      keyFile,
    )
    expect(report.failed).toBe('connection')
    expect(code).toBe(3)
  })
})

const canMount =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

describe('a client of the demo', () => {
  it('gets an answer that is right, in a sentence that ends', async () => {
    const client = new Anthropic({
      apiKey: readFileSync(keyFile, 'utf8').trim(),
      baseURL: baseUrl,
      maxRetries: 0,
    })
    const stream = client.messages.stream({
      model: 'claude-sonnet-4-5',
      max_tokens: 64,
      temperature: 0,
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
    })
    const message = await stream.finalMessage()
    expect(message.content).toEqual([
      expect.objectContaining({ type: 'text', text: expect.stringContaining('Paris') }),
    ])
    expect(message.stop_reason).toBe('end_turn')
  })
})

describe('nexus agents-file', () => {
  it('says how fast this machine reads, once its server has read something long, and is checked', async () => {
    const path = join(laptop.home, 'CLAUDE.md')
    writeFileSync(path, '# Ours\n')
    const response = await fetch(`${baseUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': readFileSync(keyFile, 'utf8').trim() },
      body: JSON.stringify({
        model: 'opta-claude-3-r1',
        max_tokens: 2,
        messages: [{ role: 'user', content: 'A long row of words. '.repeat(120) }],
      }),
    })
    expect(response.status).toBe(200)
    expect((await nexus.run('agents-file', '--path', path)).code).toBe(0)
    const text = readFileSync(path, 'utf8')
    expect(text.startsWith('# Ours\n')).toBe(true)
    expect(text).toMatch(/about [\d,.]+ tokens a second here \(median of \d+ prompts?\)/)
    expect((await nexus.run('agents-file', '--check')).code).toBe(0)
    writeFileSync(path, text.replace('Do not:', 'Do:'))
    const refused = await nexus.run('agents-file', '--path', path)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('left as it is')
    expect(readFileSync(path, 'utf8')).toContain('Do:')
  })
})

describe.skipIf(traefikProgram === undefined)('the real Traefik, as nexus traefik sets it up', () => {
  /** Its answers go on only when the client has what was sent before: the test writes them. */
  const upstream = createServer((incoming, response) => {
    incoming.resume()
    if (incoming.url === '/health/liveliness') response.end('ready')
    else response.writeHead(200, { 'content-type': 'text/plain' })
  })
  let dir = ''

  const withTraefik = async (
    routerPort: number,
    body: (traefik: Awaited<ReturnType<typeof startTraefik>>, listenPort: number) => Promise<void>,
  ) => {
    dir = mkdtempSync(join(tmpdir(), 'nexus-traefik-'))
    const [listenPort] = await freePorts()
    const machine = await createNexus()
    writeFileSync(
      join(machine.home, 'config.json'),
      JSON.stringify({
        profile: 'mine',
        profiles: { mine: { extends: 'demo', proxy: { port: routerPort } } },
      }),
    )
    try {
      const written = await machine.run('traefik', '--dir', dir, '--listen', `127.0.0.1:${listenPort}`)
      expect(written.stderr).toBe('')
      expect(written.code).toBe(0)
      const traefik = await startTraefik(traefikProgram ?? '', join(dir, 'traefik.yml'), listenPort)
      await body(traefik, listenPort).finally(traefik.stop)
    } finally {
      rmSync(machine.home, { recursive: true, force: true })
      rmSync(dir, { recursive: true, force: true })
    }
  }

  it('passes each piece on at once, of whatever type, and tells the Router when the client goes', async () => {
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const address = upstream.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    await withTraefik(address.port, async ({ post }) => {
      const asking = post('/v1/messages', '{}')
      const sending = new Promise<ServerResponse>((resolve) => {
        upstream.once('request', (_, response) => resolve(response))
      })
      const response = await sending
      response.write('piece 0\n')
      const { request, answer } = await asking
      const pieces = answer.setEncoding('utf8')[Symbol.asyncIterator]()
      // Held back until there is more of it, the first piece would never come.
      for (let index = 0; index < 4; index++) {
        expect((await pieces.next()).value).toBe(`piece ${index}\n`)
        response.write(`piece ${index + 1}\n`)
      }
      const gone = new Promise((resolve) => response.once('close', resolve))
      answer.once('error', () => {})
      request.destroy()
      await gone
    })
    upstream.closeAllConnections()
    await new Promise((resolve) => upstream.close(resolve))
  })

  it.skipIf(!canMount)(
    'is found by its name, with the line of nexus clients as the hosts file (needs root)',
    async () => {
      await withTraefik(nexus.routerPort, async (_, listenPort) => {
        const guide = SnippetsSchema.parse(JSON.parse((await nexus.run('clients', '--json')).stdout))
        const line = guide.developers[0]?.snippets.find(({ id }) => id === 'hosts')?.text
        const hosts = join(laptop.home, 'hosts')
        writeFileSync(hosts, `127.0.0.1 localhost\n${line}\n`)
        // A mount of its own: only this process and what it starts see that hosts file.
        const inNamespace = ['-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
        const script = join(import.meta.dirname, '..', 'scripts', 'nexus')
        const words = ['clients', '--test', '--json', '--key-file', keyFile, '--url']
        const ask = (url: string) =>
          execFileAsync('unshare', [...inNamespace, script, ...words, url], {
            env: { ...process.env, NEXUS_HOME: laptop.home },
          })
        const { stdout } = await ask(`http://ai.opta.local:${listenPort}`)
        const report = ReportSchema.parse(JSON.parse(stdout))
        expect(report.steps.map(({ id, level }) => `${id} ${level}`)).toContain('name ok')
        expect(report.works).toBe(true)
      })
    },
  )

  it('does not serve other names, and keeps manual edits of its files', async () => {
    await withTraefik(nexus.routerPort, async ({ post }) => {
      const { answer } = await post('/v1/models', '{}', { host: 'other.example' })
      expect(answer.statusCode).toBe(404)
      answer.resume()
      const path = join(dir, 'dynamic', 'opta-nexus.yml')
      const edited = readFileSync(path, 'utf8').replace('"5s"', '"9s"')
      writeFileSync(path, edited)
      const again = await nexus.run('traefik', '--dir', dir)
      expect(again.code).toBe(1)
      expect(again.stderr).toContain('was edited by hand')
      expect(readFileSync(path, 'utf8')).toBe(edited)
    })
  })
})

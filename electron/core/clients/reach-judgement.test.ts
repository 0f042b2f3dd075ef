// Messages for a person at a client: each failure has its own explanation and fix.
import { describe, expect, it } from 'vitest'
import { judgeAddress, proxyInTheWay, type ReachAddress, readAddress } from './reach-address.ts'
import {
  judgeModel,
  judgeName,
  judgeNoAnswer,
  judgeNoConnection,
  judgeNoName,
  judgeRouter,
  keyProblem,
  type ModelAnswer,
} from './reach-judgement.ts'

const address: ReachAddress = {
  baseUrl: 'http://ai.opta.local:4000',
  host: 'ai.opta.local',
  port: 4000,
  secure: false,
  isAddress: false,
}
const failure = (code: string) => Object.assign(new Error(code), { code })

describe('readAddress', () => {
  it.each([
    ['http://192.168.1.20:4000/', { baseUrl: 'http://192.168.1.20:4000', port: 4000, isAddress: true }],
    ['http://ai.opta.local', { baseUrl: 'http://ai.opta.local', port: 80, isAddress: false }],
    ['https://studio.example', { port: 443, secure: true }],
    ['http://[fd00::20]:4000', { host: 'fd00::20', isAddress: true }],
  ])('understands %s', (text, expected) => {
    expect(readAddress(text)).toMatchObject({ kind: 'address', address: expected })
  })

  it.each([
    ['"http://10.0.0.5:4000"', 'quotes'],
    ['10.0.0.5:4000', 'is not a URL'],
    ['localhost:4000', 'starts with localhost:'],
    ['http://10.0.0.5:4000/v1', 'ends in /v1'],
    ['http://10.0.0.5:4000/anthropic', 'ends in /anthropic'],
    ['http://user:secret@10.0.0.5:4000', 'user name or password'],
    ['http://0.0.0.0:4000', 'an address to listen on'],
  ])('says what is wrong with %s', (text, words) => {
    const reading = readAddress(text)
    expect(reading).toMatchObject({ kind: 'wrong', verdict: { level: 'fail' } })
    expect(JSON.stringify(reading)).toContain(words)
    expect(JSON.stringify(reading)).not.toContain('secret')
  })
})

describe('proxyInTheWay', () => {
  const HTTP_PROXY = 'http://proxy:3128'
  it.each([
    [{}, null],
    [{ HTTPS_PROXY: HTTP_PROXY }, null],
    [{ HTTP_PROXY }, HTTP_PROXY],
    [{ http_proxy: HTTP_PROXY, no_proxy: 'example.com' }, HTTP_PROXY],
    [{ HTTP_PROXY, NO_PROXY: 'ai.opta.local' }, null],
    [{ HTTP_PROXY, NO_PROXY: 'example.com, .local' }, null],
    [{ HTTP_PROXY, NO_PROXY: '*' }, null],
    [{ HTTP_PROXY, NO_PROXY: 'ai.opta.local:4001' }, HTTP_PROXY],
  ])('reads %o', (env, expected) => {
    expect(proxyInTheWay(address, env)).toBe(expected)
  })

  it('warns and hides its password', () => {
    const verdict = judgeAddress(address, { HTTP_PROXY: 'http://me:secret@proxy:3128' })
    expect(verdict).toMatchObject({ level: 'warn', mend: expect.stringContaining('NO_PROXY') })
    expect(JSON.stringify(verdict)).not.toContain('secret')
  })
})

describe('a name', () => {
  it('that does not resolve: explains the line for the hosts file', () => {
    const verdict = judgeNoName(address, failure('ENOTFOUND'))
    expect(verdict.mend).toContain('192.168.1.20 ai.opta.local')
    expect(verdict.mend).toContain('multicast DNS')
    expect(judgeNoName({ ...address, host: 'studio.example' }, failure('ENOTFOUND')).mend).not.toContain(
      'hosts',
    )
  })
  it('without an answering name server is distinguished from a missing name', () => {
    const late = new DOMException('late', 'TimeoutError')
    expect(judgeNoName(address, late).found).toContain('takes too long')
    expect(judgeNoName(address, failure('EAI_AGAIN')).found).toContain('no name server')
  })
  it('that resolves slowly is a warning', () => {
    expect(judgeName(address, ['10.0.0.5'], 12).level).toBe('ok')
    expect(judgeName(address, ['10.0.0.5'], 5_003)).toMatchObject({ level: 'warn' })
  })
})

describe('a connection that fails', () => {
  it.each<[string, number, NodeJS.Platform, string]>([
    ['ECONNREFUSED', 4000, 'linux', 'nexus up starts it'],
    ['ECONNREFUSED', 80, 'linux', 'nexus traefik'],
    ['EHOSTUNREACH', 4000, 'darwin', 'Local Network'],
    ['EHOSTUNREACH', 4000, 'win32', 'another network'],
    ['ETIMEDOUT', 4000, 'darwin', 'firewall'],
    ['EPERM', 4000, 'linux', 'Check the address'],
  ])('by %s on port %i of %s', (code, port, platform, words) => {
    expect(judgeNoConnection({ ...address, port }, failure(code), platform)).toMatchObject({
      level: 'fail',
      mend: expect.stringContaining(words),
    })
  })
})

it('a refused connection to this machine itself may need the SSH forward', () => {
  const here = { ...address, host: '127.0.0.1' }
  expect(judgeNoConnection(here, failure('ECONNREFUSED'), 'darwin').mend).toContain('LocalForward')
})

describe('an answer that does not come', () => {
  const secure = { ...address, secure: true }
  it.each<[string, ReachAddress, string]>([
    ['HPE_INVALID_CONSTANT', address, 'does not speak HTTP'],
    ['EPROTO', secure, 'does not speak TLS'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', secure, 'certificate'],
    ['ABORT_ERR', address, 'does not answer'],
    ['ECONNRESET', address, 'closed the connection'],
  ])('because of %s', (code, where, words) => {
    expect(judgeNoAnswer(where, failure(code)).found).toContain(words)
  })
})

describe('judgeRouter', () => {
  it.each<[number, string, string, string]>([
    [200, 'uvicorn', '"I\'m alive!"', 'LiteLLM) answers'],
    [404, 'llama.cpp', '{}', '(llama-server) itself'],
    [404, '', '404 page not found\n', 'no route for ai.opta.local'],
    [502, '', 'Bad Gateway', 'behind it is not running'],
    [200, 'nginx', '<html>', 'something other'],
  ])('%i of "%s"', (status, server, body, words) => {
    expect(judgeRouter(address, { status, server, body }).found).toContain(words)
  })
})

describe('keyProblem', () => {
  it.each([
    ['sk-opta-abc', null],
    ['sk-opta-abc\r', 'line break'],
    ['"sk-opta-abc"', 'quotes'],
    ['sk-opta-…c9', 'masked'],
    ['sk opta', 'characters'],
  ])('%j', (key, words) => {
    if (words === null) expect(keyProblem(key)).toBeNull()
    else expect(keyProblem(key)).toContain(words)
  })
})

describe('judgeModel', () => {
  const good: ModelAnswer = {
    status: 200,
    body: '',
    firstEventMs: 100,
    firstTokenMs: 900,
    totalMs: 2_000,
    events: 20,
    outputTokens: 16,
    error: null,
    ended: true,
  }
  it.each<[string, Partial<ModelAnswer>, 'ok' | 'warn' | 'fail', string]>([
    ['an answer', {}, 'ok', 'first token after 0.90 s'],
    ['one held back', { firstEventMs: 1_990, firstTokenMs: 1_991 }, 'warn', 'all at once'],
    ['a quick one', { firstEventMs: 90, firstTokenMs: 91, totalMs: 100 }, 'ok', '16 tokens'],
    ['a full queue', { status: 529, body: '{}' }, 'fail', 'queue is full'],
    ['a refusal', { status: 400, body: '{"error":{"message":"too \\"long\\""}}' }, 'fail', 'too \\"long'],
    ['an error event', { error: 'gone' }, 'fail', 'gone'],
    ['a cut', { ended: false }, 'fail', 'broke off'],
    ['emptiness', { firstTokenMs: null }, 'fail', 'no tokens'],
  ])('%s', (_, change, level, words) => {
    const verdict = judgeModel({ ...good, ...change })
    expect(verdict.level).toBe(level)
    expect(verdict.found).toContain(words)
  })
})

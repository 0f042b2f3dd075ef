import { describe, expect, it } from 'vitest'
import { isAllowedAddress, judgeEndpoint } from './hub-address.ts'
import { isPlainPath, readNextPage } from './hub-listing.ts'
import { judgeStatus, readRetryAfterMs } from './hub-problem.ts'

const hub = new URL('https://huggingface.co')

describe('how long to wait', () => {
  const now = Date.UTC(2026, 10, 28, 21, 0, 0)
  it.each([
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': 'Sat, 28 Nov 2026 21:00:20 GMT' }, 20_000],
    [{ 'retry-after': 'Sat, 28 Nov 2026 20:00:00 GMT' }, 0],
    [{ 'retry-after': '999999999' }, 3_600_000],
    [{ 'retry-after': 'soon' }, null],
    // huggingface.co/docs/hub/rate-limits
    [{ ratelimit: '"api";r=0;t=55' }, 55_000],
    [{ ratelimit: '"api"; r=0; t=55' }, 55_000],
    [{}, null],
  ])('by %o', (headers, ms) => expect(readRetryAfterMs(headers, now)).toBe(ms))
})

describe('addresses', () => {
  it.each([
    ['https://cas-bridge.xethub.hf.co/x', 'https://huggingface.co', true],
    ['http://cas-bridge.xethub.hf.co/x', 'https://huggingface.co', false],
    ['http://127.0.0.1:4000/', 'https://huggingface.co', false],
    ['http://127.0.0.1:4000/', 'http://localhost:9000', true],
    ['http://[::1]:4000/', 'http://127.3.2.1:9000', true],
    ['http://127.0.0.1.example.com/', 'http://localhost:9000', false],
    ['file:///etc/passwd', 'http://localhost:9000', false],
  ])('%s from %s: %s', (url, endpoint, allowed) =>
    expect(isAllowedAddress(new URL(url), new URL(endpoint))).toBe(allowed),
  )

  it.each(['https://hf-mirror.com', 'https://hf.example/proxy/', 'http://127.0.0.1:9000'])(
    '%s may be the Hub',
    (url) => expect(judgeEndpoint(url)).toBeNull(),
  )

  it.each([
    [
      '<https://huggingface.co/api/models/a/b/tree/1?cursor=Zm9v&limit=50>; rel="next"',
      hub,
      '/api/models/a/b/tree/1?cursor=Zm9v&limit=50',
    ],
    // A mirror that passes the Hub's own words on.
    [
      '<https://huggingface.co/api/models/a/b/tree/1?cursor=x>; rel="next"',
      new URL('https://hf.example'),
      '/api/models/a/b/tree/1?cursor=x',
    ],
    [
      '<https://hf.example/proxy/api/x?cursor=x>; rel="next"',
      new URL('https://hf.example/proxy'),
      '/api/x?cursor=x',
    ],
    ['<https://huggingface.co/api/x>; rel="prev"', hub, null],
    [undefined, hub, null],
  ])('the next page of %s', (link, endpoint, path) => expect(readNextPage(link, endpoint)).toBe(path))
})

it.each([
  ['Q8_0/model (1)+a=b-00001-of-00002.gguf', true],
  ['../x.gguf', false],
  ['a/../x.gguf', false],
  ['/etc/x.gguf', false],
  ['.hidden.gguf', false],
  ['a//x.gguf', false],
  ['a\u0000.gguf', false],
  ['a%2fx.gguf', false],
])('%s is a plain path: %s', (path, plain) => expect(isPlainPath(path)).toBe(plain))

describe('what a status means', () => {
  const asked = { repo: 'a/b', what: 'x.gguf', endpoint: hub, hasToken: false, tokenPath: '/k/t' }
  const judge = (status: number, headers = {}, isElsewhere = false) =>
    judgeStatus({ status, headers, isElsewhere }, asked, 0)

  it.each([
    [
      401,
      { 'x-error-code': 'GatedRepo' },
      'a/b is gated: request access at https://huggingface.co/a/b, create a token at https://huggingface.co/settings/tokens, then put a token into /k/t (mode 600) or HF_TOKEN and fetch again',
    ],
    [
      403,
      { 'x-error-code': 'GatedRepo' },
      'a/b is gated: request access at https://huggingface.co/a/b, create a token at https://huggingface.co/settings/tokens, then put a token into /k/t (mode 600) or HF_TOKEN and fetch again',
    ],
    [
      401,
      { 'x-error-code': 'RepoNotFound' },
      'there is no a/b at huggingface.co, or it needs a token with access to it',
    ],
    [404, {}, 'there is no a/b at huggingface.co, or it needs a token with access to it'],
    [404, { 'x-error-code': 'RevisionNotFound' }, 'a/b no longer has this revision; fetch it again'],
    [
      401,
      {},
      'huggingface.co refuses a/b (401) without a token: put a token into /k/t (mode 600) or HF_TOKEN and fetch again',
    ],
  ])('%i %o is final', (status, headers, reason) =>
    expect(judge(status, headers)).toEqual({ kind: 'final', reason }),
  )

  it('a wrong token is said', () =>
    expect(
      judgeStatus({ status: 401, headers: {}, isElsewhere: false }, { ...asked, hasToken: true }, 0),
    ).toEqual({
      kind: 'final',
      reason: 'huggingface.co refuses a/b (401): the token is wrong or has no access to it',
    }))

  it.each([500, 502, 503, 504, 520, 408])('%i passes', (status) => expect(judge(status).kind).toBe('wait'))
  it('403 of the storage is a link that ran out', () => expect(judge(403, {}, true).kind).toBe('odd'))
  it('418 is odd', () => expect(judge(418).kind).toBe('odd'))
})

import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPlatform } from '../platform/detect-platform.ts'
import { judgeGatewayPort, judgePort, readPort } from './checks-on-ports.ts'
import { judgeReach, tryWithoutKey } from './checks-on-reach.ts'

const place = (key: string) => `profiles.x.${key}`
const port = {
  service: 'proxy',
  host: '127.0.0.1',
  port: 4000,
  owner: null,
  ownPids: [],
  bind: 'free',
} as const
const stranger = { pid: 77, command: 'python3 -m http.server', user: 'bob' }

describe('judgePort', () => {
  it('passes a free port, our own, and one that our starting service has not opened yet', () => {
    expect(judgePort(port, place).level).toBe('ok')
    expect(
      judgePort({ ...port, owner: { ...stranger, pid: 5 }, ownPids: [4, 5], bind: null }, place).level,
    ).toBe('ok')
    expect(judgePort({ ...port, ownPids: [4], bind: null }, place).found).toContain('starting')
  })

  it('names another program and the command that ends it', () => {
    expect(judgePort({ ...port, owner: stranger, bind: null }, place)).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('python3 -m http.server (pid 77, user bob)'),
      mend: 'kill 77',
    })
    expect(judgePort({ ...port, owner: { ...stranger, pid: null }, bind: null }, place).mend).toMatch(
      /^sudo lsof/,
    )
  })

  it.each([
    ['EADDRINUSE', 'fail'],
    ['EACCES', 'fail'],
    ['EADDRNOTAVAIL', 'fail'],
    ['other', 'unknown'],
  ] as const)('no process seen, but %s: %s', (bind, level) => {
    expect(judgePort({ ...port, bind }, place).level).toBe(level)
  })
})

describe('judgeGatewayPort', () => {
  const facts = {
    service: 'gateway',
    host: '0.0.0.0',
    port: 80,
    owner: null,
    ownPids: [],
    bind: 'EACCES',
  } as const

  it('a port below 1024: what may be allowed, and how', () => {
    const linux = judgeGatewayPort(facts, place, { platform: 'linux', program: '/a b/traefik' })
    expect(linux).toMatchObject({
      level: 'warn',
      mend: "sudo setcap cap_net_bind_service=+ep '/a b/traefik'",
    })
    const mac = judgeGatewayPort(facts, place, { platform: 'darwin', program: '/a b/traefik' })
    expect(mac.mend).toContain('Set profiles.x.gateway.listen to :80')
  })

  it('names another program on the port, and the setting for another port', () => {
    const owner = { pid: 7, command: 'nginx', user: 'www' }
    const verdict = judgeGatewayPort({ ...facts, owner, bind: null }, place, {
      platform: 'linux',
      program: '/t',
    })
    expect(verdict.level).toBe('fail')
    expect(verdict.found).toContain('nginx (pid 7, user www)')
    expect(verdict.found).toContain('set gateway.listen in the profile')
  })
})

describe('judgeReach', () => {
  const lan = {
    service: 'llamaServer',
    host: '0.0.0.0',
    port: 8080,
    asksForKey: true,
    withoutKey: 'no-connection',
  } as const
  const local = { ...lan, host: '127.0.0.1' } as const

  it.each([
    ['open with a planned key', lan, 'ok'],
    ['open, and refuses without a key', { ...lan, withoutKey: 'refused' }, 'ok'],
    ['open without a key', { ...lan, asksForKey: false }, 'fail'],
    ['answers without a key, whatever is planned', { ...lan, withoutKey: 'answered' }, 'fail'],
    ['open, and the plan is not known', { ...lan, asksForKey: null }, 'unknown'],
    [
      'open, and refuses though the plan is not known',
      { ...lan, asksForKey: null, withoutKey: 'refused' },
      'ok',
    ],
    ['open, and does not answer', { ...lan, withoutKey: 'no-answer' }, 'unknown'],
    ["a stranger's 404 is no lock", { ...lan, withoutKey: 'other-answer' }, 'unknown'],
    ['loopback', local, 'ok'],
    ['loopback without a key', { ...local, asksForKey: false }, 'ok'],
    ['loopback in the profile, really open', { ...local, withoutKey: 'refused' }, 'fail'],
    ['loopback in the profile, really wide open', { ...local, withoutKey: 'answered' }, 'fail'],
    ['loopback without a network', { ...local, withoutKey: null }, 'ok'],
  ] as const)('%s: %s', (_, facts, level) => expect(judgeReach(facts, place).level).toBe(level))
})

describe('judgeReach behind the firewall of a Mac', () => {
  const lan = {
    service: 'llamaServer',
    host: '0.0.0.0',
    port: 8080,
    asksForKey: true,
    withoutKey: 'refused',
  } as const
  const program = '/opt/homebrew/Cellar/llama.cpp/1.2/bin/llama server'
  it.each([
    ['off', { kind: 'off' }, 'ok', null],
    ['lets it in', { kind: 'program', program, rule: 'permitted' }, 'ok', null],
    ['blocks it', { kind: 'program', program, rule: 'blocked' }, 'fail', `--unblockapp '${program}'`],
    ['does not list it', { kind: 'program', program, rule: 'not-listed' }, 'unknown', `--add '${program}'`],
    ['blocks all', { kind: 'blocks-all' }, 'fail', '--setblockall off'],
    ['says nothing', { kind: 'unknown', reason: 'ENOENT' }, 'unknown', null],
  ] as const)('%s', (_, firewall, level, mend) => {
    const verdict = judgeReach({ ...lan, firewall }, place)
    expect(verdict.level).toBe(level)
    if (mend === null) expect(verdict.mend).toBeNull()
    else expect(verdict.mend).toContain(mend)
  })
  it('does not replace a key, and does not matter for a local port', () => {
    const blocked = { kind: 'program', program, rule: 'blocked' } as const
    expect(judgeReach({ ...lan, withoutKey: 'answered', firewall: blocked }, place).found).toContain(
      'without a key',
    )
    expect(
      judgeReach({ ...lan, asksForKey: false, withoutKey: 'no-connection', firewall: blocked }, place).found,
    ).toContain('without a key')
    expect(judgeReach({ ...lan, host: '127.0.0.1', withoutKey: null, firewall: blocked }, place).level).toBe(
      'ok',
    )
  })
})

describe('on a real socket', () => {
  let server: Server | null = null
  afterEach(() => server?.close())

  const listen = async (status: number): Promise<number> => {
    const made = createServer((_, response) => response.writeHead(status).end())
    server = made
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
    const address = made.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
  const ask = (onPort: number) => tryWithoutKey('proxy', '127.0.0.1', onPort, AbortSignal.timeout(5_000))

  it.each([
    [200, 'answered'],
    [401, 'refused'],
    [403, 'refused'],
    [302, 'other-answer'],
    [404, 'other-answer'],
    [500, 'other-answer'],
  ] as const)('%d is %s', async (status, expected) => {
    expect(await ask(await listen(status))).toBe(expected)
  })

  // The core answers the doctor itself, and the first fetch in it costs 17 MB for as long as it lives (issue 11).
  it('asks without fetch', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new Error('fetch in the core')))
    try {
      expect(await ask(await listen(200))).toBe('answered')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('finds another program that listens, then a free port', async () => {
    const onPort = await listen(200)
    const { processes } = createPlatform({ ramDiskRoot: '/tmp' })
    const facts = { running: async () => [], core: async () => ({ kind: 'none' }) as const }
    const read = () => readPort('proxy', { host: '127.0.0.1', port: onPort }, processes, facts)
    expect(judgePort(await read(), place)).toMatchObject({ level: 'fail', mend: `kill ${process.pid}` })
    await new Promise((resolve) => server?.close(resolve))
    expect(judgePort(await read(), place).level).toBe('ok')
    expect(await ask(onPort)).toBe('no-connection')
  })

  it('says when the host is not an address of this machine', async () => {
    const { processes } = createPlatform({ ramDiskRoot: '/tmp' })
    const facts = { running: async () => [], core: async () => ({ kind: 'none' }) as const }
    // 192.0.2.0/24 is for documentation (RFC 5737): only some test networks use it, hence a rarer one.
    const read = await readPort(
      'proxy',
      { host: ['127.0.0.1', '203.0.113.254'], port: 18259 },
      processes,
      facts,
    )
    expect(judgePort(read, place)).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('not an address'),
    })
  })
})

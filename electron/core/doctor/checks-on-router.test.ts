import { describe, expect, it } from 'vitest'
import { judgeLiteLlm, judgeName, judgePython } from './checks-on-router.ts'

describe('judgeLiteLlm', () => {
  const options = { pinned: '1.106.2', dir: '/r/litellm', up: 'nexus up' }
  const installed = { kind: 'installed', version: '1.106.2', pythonPath: '/r/litellm/bin/python' } as const

  it('passes only the pinned release', () => {
    expect(judgeLiteLlm(installed, options).level).toBe('ok')
    expect(judgeLiteLlm({ ...installed, version: '1.105.0' }, options)).toMatchObject({
      level: 'warn',
      mend: 'nexus up',
    })
    expect(judgeLiteLlm({ kind: 'none' }, options)).toMatchObject({ level: 'fail', mend: 'nexus up' })
  })

  it('suggests removing a bad release', () => {
    expect(judgeLiteLlm({ kind: 'refused', reason: 'steals credentials' }, options)).toMatchObject({
      level: 'fail',
      found: 'steals credentials',
      mend: 'rm -rf /r/litellm && nexus up',
    })
  })
})

describe('judgePython', () => {
  it.each([
    ['Python 3.10.0\n', 'ok'],
    ['Python 3.14.1rc1\n', 'ok'],
    ['Python 3.9.6\n', 'fail'],
    ['Python 3.15.0\n', 'fail'],
    ['Python 2.7.18\n', 'fail'],
    ['pyenv: python: command not found', 'unknown'],
    [null, 'fail'],
  ] as const)('%j: %s', (says, level) =>
    expect(judgePython('/p', says, 'gone', 'nexus up').level).toBe(level),
  )
})

describe('judgeName', () => {
  const facts = {
    address: '192.168.1.10',
    ownAddresses: ['192.168.1.10'],
    routerRuns: true,
    gatewayUrl: null,
    answeredAt: ['http://ai.opta.local'],
  }

  it('passes where the Router answers, or does not run', () => {
    expect(judgeName(facts).level).toBe('ok')
    expect(judgeName({ ...facts, address: '127.0.0.1' }).level).toBe('ok')
    expect(judgeName(facts).found).not.toContain('nexus traefik')
    const withPort = judgeName({ ...facts, answeredAt: ['http://ai.opta.local:4000'] })
    expect(withPort).toMatchObject({ level: 'ok', found: expect.stringContaining('nexus traefik') })
    expect(judgeName({ ...facts, routerRuns: false, answeredAt: [] }).level).toBe('ok')
  })

  it('requires that a gateway leads to the Router', () => {
    const withGateway = { ...facts, gatewayUrl: 'http://ai.opta.local:8000' }
    expect(judgeName({ ...withGateway, answeredAt: ['http://ai.opta.local:8000'] })).toMatchObject({
      level: 'ok',
      found: expect.not.stringContaining('nexus traefik'),
    })
    expect(judgeName({ ...withGateway, answeredAt: ['http://ai.opta.local:4000'] })).toMatchObject({
      level: 'warn',
      mend: 'nexus logs gateway',
    })
    expect(judgeName({ ...withGateway, routerRuns: false, answeredAt: [] }).level).toBe('ok')
  })

  it('warns of a name without address, of another machine, and of no answer', () => {
    expect(judgeName({ ...facts, address: null, answeredAt: [] })).toMatchObject({
      level: 'warn',
      mend: "echo '192.168.1.10 ai.opta.local' | sudo tee -a /etc/hosts",
    })
    expect(judgeName({ ...facts, address: '192.168.1.99' }).level).toBe('warn')
    expect(judgeName({ ...facts, answeredAt: [] }).level).toBe('warn')
  })
})

// Judging the gateway's program and port.
import { describe, expect, it } from 'vitest'
import { judgeGatewayPort, judgeProgram } from './checks-on-gateway.ts'

const place = (key: string) => `profiles.x.${key}`

it("judgeProgram: installed, not installed, and a program of the user's that does not run", () => {
  const pinned = { path: '/r/traefik', own: false, runs: true }
  expect(judgeProgram(pinned, place, 'nexus up').level).toBe('ok')
  expect(judgeProgram({ ...pinned, runs: false }, place, 'nexus up')).toMatchObject({
    level: 'fail',
    mend: 'nexus up',
  })
  expect(judgeProgram({ ...pinned, own: true }, place, 'nexus up').found).toBe('/r/traefik, your own')
  expect(judgeProgram({ ...pinned, own: true, runs: false }, place, 'nexus up').mend).toContain(
    'profiles.x.gateway.binaryPath',
  )
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

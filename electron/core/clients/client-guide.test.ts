// A developer's snippets: an address that reaches this machine, limits that match the slot, and no secret on display.
import { describe, expect, it } from 'vitest'
import { ClientsAnswerSchema } from '../../contract/question.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { buildClientGuides, clientsAnswer, findSnippet } from './client-guide.ts'

const { studio } = builtinProfiles('/runtime')
if (studio === undefined) throw new Error('there is no studio profile')
const lan = ['192.168.1.20', '10.0.0.5']
const developers = [
  { name: 'anna', key: 'sk-opta-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  { name: 'ben', key: "sk-opta-it's$(x)BBBBBBBBBBBBBBBBBBBBBB" },
]
const on = (host: string) => ({ ...studio, proxy: { ...studio.proxy, host } })

describe('buildClientGuides', () => {
  it('uses the LAN address when the Router listens on all', () => {
    const guides = buildClientGuides(studio, developers, lan)
    expect(guides.baseUrl).toBe('http://192.168.1.20:4000')
    expect(guides.warnings).toEqual([])
    expect(guides.models).toContain('claude-3-5-sonnet-20241022')
    for (const id of ['bash', 'powershell', 'fish', 'claude-settings']) {
      const text = findSnippet(guides, 'anna', id)
      expect(text).toContain('http://192.168.1.20:4000')
      expect(text).toContain('sk-opta-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
      expect(text).not.toContain('BBBB')
    }
    expect(findSnippet(guides, 'anna', 'ssh-config')).toContain('HostName 192.168.1.20')
    expect(findSnippet(guides, 'anna', 'hosts')).toBe('192.168.1.20 ai.opta.local')
  })

  it('counts every 127.0.0.0/8 address as this machine', () => {
    expect(buildClientGuides(on('127.0.0.2'), developers, lan).warnings[0]).toContain('listens on 127.0.0.2')
  })

  it.each(['127.0.0.1', 'localhost', '::1'])(
    'warns that other machines cannot reach %s, and forwards the port',
    (host) => {
      const guides = buildClientGuides(on(host), developers, lan)
      expect(guides.warnings[0]).toContain(`listens on ${host}, so only programs on this machine reach it`)
      expect(new URL(guides.baseUrl).port).toBe('4000')
      const ssh = findSnippet(guides, 'ben', 'ssh-config')
      expect(ssh).toContain('HostName 192.168.1.20')
      expect(ssh).toContain('LocalForward 4000 127.0.0.1:4000')
    },
  )

  it('formats an IPv6 address for URLs, and for ssh and hosts files', () => {
    const guides = buildClientGuides(on('fd00::20'), developers, lan)
    expect(guides.baseUrl).toBe('http://[fd00::20]:4000')
    expect(findSnippet(guides, 'anna', 'ssh-config')).toContain('HostName fd00::20\n')
    expect(findSnippet(guides, 'anna', 'hosts')).toBe('fd00::20 ai.opta.local')
  })

  it('reports a machine without a network address, and invents none', () => {
    const guides = buildClientGuides(studio, developers, [])
    expect(guides.baseUrl).toBe('http://127.0.0.1:4000')
    expect(guides.warnings[0]).toContain('no network address at the moment')
    const loopbackOnly = buildClientGuides(on('127.0.0.1'), developers, [])
    expect(findSnippet(loopbackOnly, 'anna', 'ssh-config')).toContain('HostName ADDRESS-OF-THE-STUDIO')
  })

  it('lists no developers without keys', () => {
    expect(buildClientGuides(studio, [], lan).developers).toEqual([])
    expect(findSnippet(buildClientGuides(studio, developers, lan), 'carl', 'bash')).toBeNull()
    expect(findSnippet(buildClientGuides(studio, developers, lan), 'anna', 'tcsh')).toBeNull()
  })
})

describe('clientsAnswer', () => {
  it('follows the contract, without any key', () => {
    const answer = clientsAnswer(buildClientGuides(studio, developers, lan))
    expect(ClientsAnswerSchema.parse(answer)).toEqual(answer)
    const text = JSON.stringify(answer)
    expect(text).not.toContain('AAAAAA')
    expect(text).not.toContain('BBBBBB')
    expect(text).not.toContain('$(x)')
    expect(answer.developers.map(({ name }) => name)).toEqual(['anna', 'ben'])
    expect(answer.developers[0]?.snippets[0]?.masked).toContain('sk-opta-')
  })
})

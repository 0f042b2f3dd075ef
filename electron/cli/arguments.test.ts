// The command line: what is accepted, and how the rest is refused.
import { describe, expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'
import { UsageError } from './command-line.ts'

const refusal = (...argv: string[]): string => {
  try {
    parseArguments(argv)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

describe('parseArguments', () => {
  it('refuses a word with one dash by its name, however long, because parseArgs recurses over its letters', () => {
    expect(() => parseArguments(['up', '-json'])).toThrow(
      "nexus up: Unknown option '-json'; allowed: nexus up ",
    )
    expect(() => parseArguments(['forge', `-${'1'.repeat(100_000)}`])).toThrow(
      `nexus forge: Unknown option '-${'1'.repeat(39)}'; allowed: nexus forge enable|`,
    )
    expect(parseArguments(['forge', 'enable', '--', '-folder'])).toMatchObject({ name: 'forge' })
  })
  it('parses the actions on models', () => {
    const fetch = { name: 'model', action: 'fetch', model: 'a/b:Q8_0', json: false }
    expect(parseArguments(['model', 'fetch', 'a/b:Q8_0'])).toEqual(fetch)
    expect(parseArguments(['model', 'list', '--json'])).toEqual({
      ...fetch,
      action: 'list',
      model: null,
      json: true,
    })
    expect(refusal('model')).toContain('found nothing; allowed: list, fetch, cancel, remove')
    expect(refusal('model', 'get', 'a/b')).toContain('found "get"; allowed: list, fetch, cancel, remove')
    expect(refusal('model', 'fetch')).toContain('nexus model fetch: found no model; allowed')
    expect(refusal('model', 'list', 'a/b')).toContain('extra word "a/b"')
  })

  it("parses the actions on keys, and checks developers' names", () => {
    expect(parseArguments(['key', 'list', '--json'])).toEqual({
      name: 'key',
      action: 'list',
      developer: null,
      json: true,
    })
    expect(parseArguments(['key', 'rotate', 'anna.b'])).toMatchObject({
      action: 'rotate',
      developer: 'anna.b',
    })
    expect(refusal('key')).toContain('found nothing; allowed: list, create, rotate, revoke')
    expect(refusal('key', 'create')).toContain('found no name; allowed')
    expect(refusal('key', 'create', 'a b')).toContain('found "a b"; allowed: a developer\'s name of 1 to 32')
    expect(refusal('key', 'list', 'anna')).toContain('extra word "anna"')
    expect(refusal('key', 'revoke', 'anna', 'ben')).toContain('extra word "ben"')
  })

  it('parses the selfcheck and the kinds of launchd job', () => {
    expect(parseArguments(['selfcheck'])).toEqual({
      name: 'selfcheck',
      large: false,
      as: null,
      out: null,
      json: false,
    })
    expect(parseArguments(['selfcheck', '--large', '--as', 'daemon', '--out', 'x', '--json'])).toMatchObject({
      large: true,
      as: 'daemon',
      out: 'x',
      json: true,
    })
    expect(refusal('selfcheck', '--as', 'root')).toBe('--as: found "root"; allowed: agent, daemon')
  })

  it('parses every command with its options', () => {
    expect(parseArguments(['up', '--replace-foreign'])).toMatchObject({ replaceForeign: true })
    expect(parseArguments(['up', '--profile', 'demo', '--only', 'llamaserver'])).toEqual({
      name: 'up',
      profile: 'demo',
      model: null,
      only: 'llamaServer',
      force: false,
      replaceForeign: false,
      json: false,
    })
    expect(parseArguments(['up', '--model', 'gpt-oss-20b'])).toMatchObject({
      model: 'gpt-oss-20b',
      profile: null,
    })
    expect(() => parseArguments(['up', '--model', 'gpt-oss-20b', '--profile', 'demo'])).toThrow(
      'found --model with --profile; allowed: one of the two',
    )
    expect(parseArguments(['models'])).toEqual({ name: 'models', agents: 4, memoryGb: null, json: false })
    expect(() => parseArguments(['models', '--agents', '0'])).toThrow('allowed: a whole number from 1 to 64')
    expect(parseArguments(['down', '--eject', '--now', '--force'])).toEqual({
      name: 'down',
      only: null,
      eject: true,
      now: true,
      force: true,
      json: false,
    })
    expect(parseArguments(['restart', 'proxy'])).toEqual({
      name: 'restart',
      only: 'proxy',
      now: false,
      json: false,
    })
    expect(parseArguments(['restart', '--now'])).toMatchObject({ only: null, now: true })
    expect(parseArguments(['logs', 'proxy', '--follow', '--lines=5'])).toEqual({
      name: 'logs',
      id: 'proxy',
      follow: true,
      lines: 5,
    })
    expect(parseArguments(['plan', '--model', 'a.gguf', '--memory-gb', '256'])).toEqual({
      name: 'plan',
      profile: null,
      model: 'a.gguf',
      draft: null,
      memoryGb: 256,
      json: false,
    })
    expect(parseArguments(['clients', 'anna', '--test', '--url', 'http://x:1'])).toEqual({
      name: 'clients',
      developer: 'anna',
      test: true,
      url: 'http://x:1',
      keyFile: null,
      apply: null,
      force: false,
      json: false,
    })
    expect(parseArguments(['traefik', '--dir', 'd'])).toEqual({ name: 'traefik', dir: 'd', listen: ':80' })
    expect(parseArguments(['app'])).toEqual({ name: 'app' })
    expect(parseArguments(['agents-file', '--check'])).toEqual({
      name: 'agents-file',
      path: null,
      check: true,
    })
    expect(parseArguments([])).toEqual({ name: 'help', about: null })
    expect(parseArguments(['up', '--help'])).toEqual({ name: 'help', about: 'up' })
    expect(parseArguments(['help', 'try-claude'])).toEqual({ name: 'help', about: 'try-claude' })
    expect(() => parseArguments(['help', 'nonsense'])).toThrow('found "nonsense"; allowed: up, down, restart')
  })

  it.each([
    [['start'], 'found "start"; allowed: up, down'],
    [['up', '--prot', '1'], "nexus up: Unknown option '--prot'"],
    [['up', '--only', 'router'], '--only: found "router"; allowed: ramDisk, llamaServer, proxy'],
    [['up', 'demo'], 'nexus up: found the extra word "demo"'],
    [['up', '--profile'], "nexus up: Option '--profile <value>' argument missing"],
    [['clients', '--url', 'http://x'], 'found --url or --key-file without --test'],
    [['clients', 'a', '--test', '--apply'], 'found --test with --apply or --undo'],
    [['clients', 'a', '--force'], 'found --force without --apply'],
    [['clients', 'a', 'b'], 'nexus clients: found the extra word "b"'],
    [['traefik', '--listen', '80'], '--listen: found "80"; allowed: such as :80'],
    [['traefik', '--listen', ':70000'], '--listen: found ":70000"'],
    [['logs'], 'nexus logs: found nothing; allowed: llamaServer, proxy, gateway, core'],
    [['logs', 'proxy', '--lines', '-3'], 'nexus logs: Option'],
    [['logs', 'proxy', '--lines', '1e3'], '--lines: found "1e3"; allowed: a whole number from 0 to 100000'],
    [['status', '--watch', '--json'], 'nexus status: found --watch with --json'],
    [['plan', '--memory-gb', '256GB'], '--memory-gb: found "256GB"; allowed: a whole number from 1 to 65536'],
    [['service'], 'nexus service: found nothing; allowed: install, uninstall, status'],
    [['service', 'remove'], 'nexus service: found "remove"; allowed: install, uninstall, status'],
    [['constructor'], 'found "constructor"'],
  ])('refuses %j', (argv, expected) => {
    expect(refusal(...argv)).toContain(expected)
  })
})

describe('nexus forge', () => {
  it('takes folders for enable and disable, and exactly one choice for clean', () => {
    expect(parseArguments(['forge', 'enable', 'a', 'b'])).toMatchObject({
      action: 'enable',
      folders: ['a', 'b'],
    })
    expect(parseArguments(['forge', 'disable'])).toMatchObject({ action: 'disable', folders: [] })
    expect(parseArguments(['forge', 'clean', '--unused', '7', '--json'])).toMatchObject({
      clean: { kind: 'unused', days: 7 },
      json: true,
    })
    expect(parseArguments(['forge', 'clean', 'x'])).toMatchObject({ clean: { kind: 'workspace', path: 'x' } })
    expect(parseArguments(['forge', 'status', '--mount', '/m'])).toMatchObject({ mount: '/m' })
  })

  it.each([
    [['forge'], 'found nothing; allowed: enable, disable'],
    [['forge', 'mount'], 'found "mount"'],
    [['forge', 'status', 'x'], 'extra word "x"'],
    [['forge', 'status', '--all'], 'allowed: only with clean'],
    [['forge', 'clean'], 'found nothing'],
    [['forge', 'clean', 'x', '--all'], 'more than one choice'],
    [['forge', 'clean', '--unused', '-1'], '--unused'],
    [['forge', 'clean', '--unused', '1.5'], 'found "1.5"'],
  ])('refuses %j', (words, message) => {
    expect(() => parseArguments(words)).toThrow(message)
  })
})

describe('the tried Claude Code', () => {
  const clientOf = (...words: string[]) => {
    const command = parseArguments(['try-claude', ...words])
    return command.name === 'try-claude' ? command.client : null
  }

  it('is the pinned one unless another is named', () => {
    expect(clientOf()).toBe('pinned')
    expect(clientOf('--client', 'latest')).toBe('latest')
    expect(clientOf('--client', './claude')).toBe(`${process.cwd()}/claude`)
  })

  it('refuses a version: only words and paths are allowed', () => {
    expect(() => clientOf('--client', '2.1.332')).toThrow(
      '--client: found "2.1.332"; allowed: pinned, latest, or',
    )
  })
})

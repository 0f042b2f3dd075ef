// Config and profiles: every wrong value is named with its place, what was found and what is allowed.
import { lstatSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigSchema } from '../../contract/config.ts'
import type { Profile } from '../../contract/profile.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { ConfigError, defaultConfig, judgeProfile, parseConfig, readConfig, writeConfig } from './config.ts'
import { builtinProfiles, chooseProfile } from './profiles.ts'

const gib = 1_073_741_824
const runtimeDir = '/opt/nexus/runtime'

const problemsOf = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const withStudio = (overrides: object) =>
  JSON.stringify({ profile: 'mine', profiles: { mine: { extends: 'studio', ...overrides } } })

describe('parseConfig', () => {
  it.each([
    [
      'a port of 0',
      { llamaServer: { port: 0 } },
      'profiles.mine.llamaServer.port: found 0; allowed: a TCP port: a whole number from 1 to 65535',
    ],
    [
      'a port of 70000',
      { proxy: { port: 70_000 } },
      'profiles.mine.proxy.port: found 70000; allowed: a TCP port: a whole number from 1 to 65535',
    ],
    [
      'a port in words',
      { proxy: { port: '4000' } },
      'profiles.mine.proxy.port: found "4000"; allowed: a TCP port: a whole number from 1 to 65535',
    ],
    [
      '0 slots',
      { llamaServer: { slots: 0 } },
      'profiles.mine.llamaServer.slots: found 0; allowed: a number of slots: a whole number from 1 to 64',
    ],
    [
      '128k as text',
      { llamaServer: { contextTokens: '128k' } },
      'profiles.mine.llamaServer.contextTokens: found "128k"; allowed: a number of tokens: a whole number from 256 to 16777216',
    ],
    [
      'a relative model path',
      { llamaServer: { modelPath: 'models/a.gguf' } },
      'profiles.mine.llamaServer.modelPath: found "models/a.gguf"; allowed: an absolute path to a GGUF model file (starting with /)',
    ],
    [
      'an unknown key',
      { llamaServer: { prot: 1 } },
      expect.stringMatching(
        /^profiles\.mine\.llamaServer\.prot: found an unknown key; allowed: binaryPath, modelPath, .*\bport\b/,
      ),
    ],
    [
      'an unknown cache type',
      { llamaServer: { cacheTypeK: 'q9_0' } },
      'profiles.mine.llamaServer.cacheTypeK: found "q9_0"; allowed: "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"',
    ],
    [
      'a weak key',
      { proxy: { clientKey: 'x' } },
      'profiles.mine.proxy.clientKey: found "********"; allowed: a key of 8 to 256 printable ASCII characters without blanks',
    ],
    [
      'a host with a blank',
      { proxy: { host: 'a b' } },
      'profiles.mine.proxy.host: found "a b"; allowed: an IP address or host name, such as 127.0.0.1 or 0.0.0.0',
    ],
    [
      'half a slot',
      { llamaServer: { slots: 1.5 } },
      'profiles.mine.llamaServer.slots: found 1.5; allowed: a number of slots: a whole number from 1 to 64',
    ],
  ])('refuses %s', (_what, overrides, expected) => {
    expect(problemsOf(() => parseConfig(withStudio(overrides), 'config.json'))).toEqual([expected])
  })

  it('accepts one host of llama-server or several, also both wildcards', () => {
    for (const host of ['::', ['127.0.0.1', '10.0.0.2'], ['0.0.0.0', '::']])
      expect(
        parseConfig(withStudio({ llamaServer: { host } }), 'x').profiles['mine']?.llamaServer?.host,
      ).toEqual(host)
  })

  it.each([[['127.0.0.1', '127.0.0.1']], [['0.0.0.0', '10.0.0.2']], [['::', '::1']], [[]], [7]])(
    'refuses %j as the host of llama-server',
    (host) => {
      expect(problemsOf(() => parseConfig(withStudio({ llamaServer: { host } }), 'x'))).toEqual([
        `profiles.mine.llamaServer.host: found ${JSON.stringify(host)}; allowed: an IP address or host name, or a list of them without overlaps, such as ["127.0.0.1", "10.0.0.2"]`,
      ])
    },
  )

  it.each([
    ['an invalid one', { proxy: { clientKey: 'sk-secret with blanks' } }],
    ['one that is not text', { proxy: { clientKey: ['sk-secret'] } }],
    ['one in something that is wrong as a whole', { proxy: [{ clientKey: 'sk-secret' }] }],
  ])('never repeats a key: %s', (_what, overrides) => {
    const problems = problemsOf(() => parseConfig(withStudio(overrides), 'config.json')).join()
    expect(problems).toContain('mine.proxy')
    expect(problems).not.toContain('secret')
  })

  it('never repeats a key near a mistake in the JSON, and quotes the text when there is no key', () => {
    const spoilt = '{ "profiles": { "mine": { "proxy": { "clientKey": sk-secret }}}}'
    expect(problemsOf(() => parseConfig(spoilt, 'config.json'))).toEqual(["not JSON: Unexpected token 's'"])
    expect(problemsOf(() => parseConfig('{ "drainSeconds": ten }', 'config.json')).join()).toContain(
      'econds": ten',
    )
  })

  it('names every mistake at once', () => {
    const text = JSON.stringify({ profiel: 'demo', drainSeconds: -1 })
    expect(problemsOf(() => parseConfig(text, 'config.json')).toSorted()).toEqual([
      'drainSeconds: found -1; allowed: a number of seconds: a whole number from 0 to 3600',
      'profiel: found an unknown key; allowed: $schema, profile, profiles, drainSeconds, stopGraceSeconds, notifications, menuBarText, startStackAtLaunch, metricsPort, guests',
    ])
  })

  it.each([
    ['a section that may be null', { gateway: { port: 80 } }, 'gateway.port', 'listen'],
    ['an entry of a list', { nodes: [{ name: 'b', ip: 1 }] }, 'nodes.0.ip', 'name, host, port'],
    ['a profile', { llama: {} }, 'llama', 'extends, llamaServer, proxy, ramDisk'],
  ])('lists the keys of %s', (_what, overrides, place, allowed) => {
    expect(problemsOf(() => parseConfig(withStudio(overrides), 'config.json'))).toContainEqual(
      expect.stringContaining(`profiles.mine.${place}: found an unknown key; allowed: ${allowed}`),
    )
  })

  it.each([
    ['empty', ''],
    ['cut off', '{"profile": "demo"'],
    ['no object', '[]'],
    ['null', 'null'],
  ])('refuses a file that is %s', (_what, text) => {
    expect(problemsOf(() => parseConfig(text, 'config.json'))).toHaveLength(1)
  })
})

describe('readConfig', () => {
  it('returns the default without a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-config-'))
    expect(readConfig(join(folder, 'config.json'), join(folder, 'good.json'))).toEqual(defaultConfig)
  })

  it('keeps the last good file beside a broken one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-config-'))
    const [path, goodPath] = [join(folder, 'config.json'), join(folder, 'good.json')]
    writeConfig(path, { ...defaultConfig, profile: 'demo' })
    readConfig(path, goodPath)
    writeFileSync(path, '{ broken')
    expect(() => readConfig(path, goodPath)).toThrow(ConfigError)
    expect(parseConfig(readFileSync(goodPath, 'utf8'), goodPath).profile).toBe('demo')
    expect(statSync(goodPath).mode & 0o777).toBe(0o600)
  })
})

describe('a config as other programs write it', () => {
  it('may start with a byte order mark, as Windows editors write it', () => {
    expect(parseConfig('\uFEFF{ "profile": "demo" }', 'config.json').profile).toBe('demo')
  })

  it('is saved through one link or two, also into a file that does not exist yet', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-config-'))
    const [path, middle, real] = ['config.json', 'middle.json', 'dotfiles.json'].map((name) =>
      join(folder, name),
    )
    if (path === undefined || middle === undefined || real === undefined) throw new Error('three names')
    symlinkSync('middle.json', path)
    symlinkSync(real, middle)
    for (const profile of ['demo', 'studio']) {
      writeConfig(path, { ...defaultConfig, profile })
      expect([path, middle].map((link) => lstatSync(link).isSymbolicLink())).toEqual([true, true])
      expect(parseConfig(readFileSync(real, 'utf8'), real).profile).toBe(profile)
    }
  })
})

const studioWith = (overrides: object) =>
  chooseProfile(parseConfig(withStudio(overrides), 'x'), null, runtimeDir)

describe('gateway', () => {
  it("is absent by default, merged with the parent's, and removed by null", () => {
    expect(studioWith({}).profile).not.toHaveProperty('gateway')
    const { profile } = studioWith({ gateway: { listen: ':80' } })
    expect(profile.gateway).toEqual({ listen: ':80' })
    const config = parseConfig(
      JSON.stringify({
        profiles: {
          base: { gateway: { listen: ':80' } },
          own: { extends: 'base', gateway: { binaryPath: '/opt/traefik' } },
          none: { extends: 'base', gateway: null },
        },
      }),
      'config.json',
    )
    expect(chooseProfile(config, 'own', '/r').profile.gateway).toEqual({
      listen: ':80',
      binaryPath: '/opt/traefik',
    })
    expect(chooseProfile(config, 'none', '/r').profile.gateway).toBeNull()
  })

  it.each(['80', ':0', ':65536', ':080', 'http://x:80', '10.0.0.5'])(
    'refuses %s, and says where',
    (listen) => {
      const config = JSON.stringify({ profiles: { mine: { gateway: { listen } } } })
      expect(() => parseConfig(config, 'config.json')).toThrow(
        `profiles.mine.gateway.listen: found "${listen}"; allowed: such as :80 or 127.0.0.1:8000`,
      )
    },
  )

  it('refuses one without an address, and one on the port of another service', () => {
    expect(() => studioWith({ gateway: { binaryPath: '/opt/traefik' } })).toThrow(
      'gateway.listen: found nothing',
    )
    const onPort = (port: number, metricsPort: number | null = null) =>
      judgeProfile(studioWith({ gateway: { listen: `:${port}` } }).profile, 256 * gib, metricsPort)
    expect(onPort(80, 9464)).toEqual([])
    expect(onPort(4000)).toEqual([
      'gateway.listen: found :4000, whose port is also proxy.port; allowed: a port that no other service uses',
    ])
    expect(onPort(8080)[0]).toContain('llamaServer.port')
    expect(onPort(9464, 9464)[0]).toContain('metricsPort')
  })
})

describe('nodes', () => {
  const node = (name: string) => ({ name, host: '10.0.0.2', port: 8080, slots: 4, keyFile: null })

  it('are an optional part of a profile', () => {
    expect(studioWith({ nodes: [node('b')] }).profile.nodes).toEqual([node('b')])
    expect(studioWith({}).profile).not.toHaveProperty('nodes')
    expect(judgeProfile(studioWith({ nodes: [node('b')] }).profile, 256 * gib)).toEqual([])
  })

  it('need unique names, and slots that do not share a pool', () => {
    const { profile } = studioWith({ nodes: [node('b'), node('b')], llamaServer: { unifiedKv: true } })
    expect(judgeProfile(profile, 256 * gib)).toEqual([
      'nodes: found b twice; allowed: a unique name for each Studio',
      'llamaServer.unifiedKv: found true together with nodes; allowed: false (a separate share for each slot) or auto',
    ])
  })
})

describe('judgeProfile', () => {
  const studio = builtinProfiles(runtimeDir)['studio']
  if (studio === undefined) throw new Error('no studio profile')
  const change = (part: { [K in keyof Profile]?: Partial<Profile[K]> }): Profile => ({
    llamaServer: { ...studio.llamaServer, ...part.llamaServer },
    proxy: { ...studio.proxy, ...part.proxy },
    ramDisk: { ...studio.ramDisk, ...part.ramDisk },
  })

  it('accepts the studio on its own machine', () => {
    expect(judgeProfile(studio, 256 * gib)).toEqual([])
  })

  it('refuses a RAM disk larger than memory, in numbers', () => {
    expect(judgeProfile(studio, 16 * gib)).toEqual([
      "ramDisk.sizeMiB: found 65536; allowed: less than this machine's memory, 16384 MiB",
    ])
  })

  it.each([
    ['two services on one port', { proxy: { port: 8080 } }, 'proxy.port: found 8080'],
    [
      'a slot without context',
      { llamaServer: { contextTokens: 512, slots: 4, unifiedKv: false } },
      'llamaServer.contextTokens: found 512, 128 for each of 4 slots',
    ],
    [
      'a draft without its model',
      { llamaServer: { draftModelPath: null } },
      'llamaServer.speculation: found draft-simple',
    ],
    [
      'a micro batch above the batch',
      { llamaServer: { microBatchTokens: 1024 } },
      'llamaServer.microBatchTokens: found 1024',
    ],
  ])('refuses %s', (_what, part, expected) => {
    const problems = judgeProfile(change(part), 256 * gib)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
  })
})

describe('chooseProfile', () => {
  it("takes demo, with the reason, when the studio's models are not here", () => {
    const chosen = chooseProfile(defaultConfig, null, runtimeDir)
    expect(chosen.name).toBe('demo')
    expect(chosen.because).toContain('DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf')
    expect(chosen.profile.llamaServer.modelPath).toBe(demoModelPath(runtimeDir))
  })

  it('takes the studio when its model files are readable', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-models-'))
    const [target, draft] = [join(folder, 'target.gguf'), join(folder, 'draft.gguf')]
    writeFileSync(target, '')
    writeFileSync(draft, '')
    const config = ConfigSchema.parse({
      profiles: { studio: { llamaServer: { modelPath: target, draftModelPath: draft } } },
    })
    expect(chooseProfile(config, null, runtimeDir)).toMatchObject({
      name: 'studio',
      because: 'its model files are here',
    })
  })

  it('picks the studio when its model is there in parts, and falls back while one is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nexus-parts-'))
    const file = (name: string) => join(folder, name)
    const config = ConfigSchema.parse({
      profiles: { studio: { llamaServer: { modelPath: file('R1-Q8_0.gguf'), draftModelPath: null } } },
    })
    // Another quantisation's parts, and a set of three that was begun, are not this model.
    for (const name of ['R1-Q4_0-00001-of-00001', 'R1-Q8_0-00001-of-00002', 'R1-Q8_0-00001-of-00003'])
      writeFileSync(file(`${name}.gguf`), '')
    expect(chooseProfile(config, null, runtimeDir)).toMatchObject({
      name: 'demo',
      because: expect.stringContaining('R1-Q8_0-00002-of-00002.gguf'),
    })
    writeFileSync(file('R1-Q8_0-00002-of-00002.gguf'), '')
    for (const requested of [null, 'studio'])
      expect(chooseProfile(config, requested, runtimeDir)).toMatchObject({
        name: 'studio',
        profile: { llamaServer: { modelPath: file('R1-Q8_0-00001-of-00002.gguf') } },
      })
    // The one file, once it is here, is what the profile named.
    writeFileSync(file('R1-Q8_0.gguf'), '')
    expect(chooseProfile(config, null, runtimeDir).profile.llamaServer.modelPath).toBe(file('R1-Q8_0.gguf'))
  })

  it('has the seed in the studio profile', () => {
    const { profile } = chooseProfile(defaultConfig, 'studio', runtimeDir)
    expect(profile).toMatchObject({
      llamaServer: {
        modelPath: '/Users/Shared/Models/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf',
        draftModelPath: '/Users/Shared/Models/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
        host: '0.0.0.0',
        port: 8080,
        slots: 4,
        gpuLayers: 99,
        cacheTypeK: 'q4_0',
        cacheTypeV: 'q4_0',
      },
      proxy: {
        host: '0.0.0.0',
        port: 4000,
        modelName: 'claude-3-5-sonnet-20241022',
        clientKey: 'sk-local-opta',
      },
      ramDisk: { volumeName: 'OptaBuilds', sizeMiB: 65_536 },
    })
  })

  it('lays a profile file over the one it extends', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'nexus-profile-')), 'small.json')
    writeFileSync(path, JSON.stringify({ extends: 'demo', llamaServer: { port: 18_080 } }))
    const { profile } = chooseProfile(defaultConfig, path, runtimeDir)
    expect(profile.llamaServer.port).toBe(18_080)
    expect(profile.proxy.host).toBe('127.0.0.1')
  })

  it.each([
    [
      'an unknown name',
      'stduio',
      {},
      'profile: found "stduio"; allowed: studio, demo, or the path of a JSON file',
    ],
    [
      'a missing file',
      '/nonexistent/p.json',
      {},
      'profile file: found nothing; allowed: a readable JSON file',
    ],
    [
      'a circle',
      'a',
      { a: { extends: 'b' }, b: { extends: 'a' } },
      'profiles.a.extends: found a cycle, a -> b -> a',
    ],
  ])('refuses %s', (_what, name, profiles, expected) => {
    const config = ConfigSchema.parse({ profiles })
    expect(problemsOf(() => chooseProfile(config, name, runtimeDir))).toEqual([expected])
  })
})

describe('the published schema', () => {
  it('is the one that checks configs: nexus config-schema > resources/config.schema.json', () => {
    const published: unknown = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../../resources/config.schema.json'), 'utf8'),
    )
    expect(published).toEqual(z.toJSONSchema(ConfigSchema, { io: 'input' }))
  })
})

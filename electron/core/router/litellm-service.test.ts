import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { planLiteLlmLaunch } from './litellm-service.ts'

const demo = builtinProfiles('/runtime')['demo']
if (demo === undefined) throw new Error('there is no demo profile')

const keys = {
  clientKey: 'sk-client-made-up',
  proofKey: 'sk-proof-made-up',
  masterKey: 'sk-master-made-up',
  engineKey: 'sk-engine-made-up',
  clientKeysPath: '/state/keys/clients.json',
}

const resources = join(import.meta.dirname, '../../../resources')
let proxyDir = ''
let ownConfig = ''
beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-litellm-service-'))
  proxyDir = join(dir, 'litellm')
  ownConfig = join(dir, 'own.yaml')
})

const plan = (profile: Profile = demo, env: Record<string, string> = { PATH: '/usr/bin', SECRET: 'x' }) =>
  planLiteLlmLaunch({
    profile,
    pythonPath: '/runtime/litellm/bin/python',
    proxyDir,
    parkedDir: '/state/parked',
    feedPath: '/state/router.sock',
    resourcesDir: resources,
    keys,
    env,
  })

const withOwnConfig = (): Profile => ({ ...demo, proxy: { ...demo.proxy, configPath: ownConfig } })

describe('starting LiteLLM', () => {
  it('runs our launcher beside the config, with LiteLLM arguments', () => {
    const { argv, cwd } = plan()
    expect(cwd).toBe(proxyDir)
    expect(argv.slice(0, 6)).toEqual([
      '/runtime/litellm/bin/python',
      '-I',
      '-u',
      '-X',
      'utf8',
      join(proxyDir, 'opta_litellm.py'),
    ])
    const port = String(demo.proxy.port)
    const config = join(proxyDir, 'config.yaml')
    expect(argv.slice(6)).toEqual(['--config', config, '--host', '127.0.0.1', '--port', port])
    expect(existsSync(join(proxyDir, 'opta_router.py'))).toBe(true)
  })

  it('copies every module of the Router, and only those', () => {
    plan()
    const pythons = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.py'))
    expect(pythons(proxyDir)).toEqual(pythons(resources))
    expect(pythons(proxyDir)).toContain('opta_admission.py')
  })

  it('writes files that only their owner may read', () => {
    plan()
    expect(statSync(proxyDir).mode & 0o777).toBe(0o700)
    for (const name of ['config.yaml', 'opta_router.py', 'opta_litellm.py']) {
      expect(statSync(join(proxyDir, name)).mode & 0o777, name).toBe(0o600)
    }
  })

  it('replaces changed files and leaves the others untouched', () => {
    plan()
    const old = new Date('2020-01-01')
    for (const name of ['config.yaml', 'opta_router.py']) utimesSync(join(proxyDir, name), old, old)
    writeFileSync(join(proxyDir, 'config.yaml'), 'model_list: []\n')
    plan()
    expect(readFileSync(join(proxyDir, 'config.yaml'), 'utf8')).toContain('claude-3-5-sonnet-20241022')
    expect(statSync(join(proxyDir, 'opta_router.py')).mtime).toEqual(old)
  })

  it('passes secrets in the environment, never in argv or the config', () => {
    const { argv, env } = plan()
    expect(env['OPTA_MASTER_KEY']).toBe(keys.masterKey)
    expect(env['OPTA_ENGINE_KEY']).toBe(keys.engineKey)
    expect(env['OPTA_CLIENT_KEYS']).toBe(keys.clientKeysPath)
    const visible = argv.join(' ') + readFileSync(join(proxyDir, 'config.yaml'), 'utf8')
    for (const secret of [keys.clientKey, keys.masterKey, keys.engineKey]) {
      expect(visible).not.toContain(secret)
    }
  })

  it('passes on only listed variables of our own environment', () => {
    const { env } = plan(demo, {
      PATH: '/usr/bin',
      HOME: '/home/a',
      HTTP_PROXY: 'http://p',
      OPENAI_API_KEY: 'x',
    })
    expect(env).toMatchObject({ PATH: '/usr/bin', HOME: '/home/a', LITELLM_LOCAL_MODEL_COST_MAP: 'True' })
    expect(Object.keys(env)).not.toContain('HTTP_PROXY')
    expect(Object.keys(env)).not.toContain('OPENAI_API_KEY')
    expect(Object.keys(env)).not.toContain('LITELLM_MASTER_KEY')
    // Starting without compiled modules takes twice as long (measured: 10-11 s instead of 5).
    expect(Object.keys(env)).not.toContain('PYTHONDONTWRITEBYTECODE')
  })
})

describe("a LiteLLM config of the user's own", () => {
  it('is used unchanged; if it names no key, the client key opens it', () => {
    writeFileSync(ownConfig, 'model_list: []\n')
    const { argv, env } = plan(withOwnConfig())
    expect(argv[argv.indexOf('--config') + 1]).toBe(ownConfig)
    expect(env['LITELLM_MASTER_KEY']).toBe(keys.clientKey)
    expect(existsSync(join(proxyDir, 'config.yaml'))).toBe(false)
  })

  it('is refused with a reason if it cannot work', () => {
    const profile = withOwnConfig()
    expect(() => plan(profile)).toThrow(`there is no file ${ownConfig}`)
    writeFileSync(ownConfig, 'model_list:\n  - a: 1\n   - b: [\n')
    expect(() => plan(profile)).toThrow(`${ownConfig} is not valid YAML: `)
    for (const text of ['', 'just a text', '- a\n', 'model: x\n']) {
      writeFileSync(ownConfig, text)
      expect(() => plan(profile), text).toThrow('has no model_list')
    }
  })

  it('is refused when it is a folder', () => {
    mkdirSync(ownConfig)
    expect(() => plan(withOwnConfig())).toThrow('is a folder; allowed: a regular file')
  })
})

// llama-server as a service: what stops a start before it, the command line it leads to, and who is ready when.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtinProfiles } from '../config/profiles.ts'
import { type StandIn, startStandIn } from '../supervise/test-support/stand-in.ts'
import { createCapabilityProbe } from './llama-capabilities.ts'
import { createLlamaService, type LlamaServiceOptions, probeLlamaServer } from './llama-service.ts'

const helpText = join(import.meta.dirname, '../../../resources/llama-help/b10434.txt')
let folder: string
let standIns: StandIn[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-engine-'))
  standIns = []
})
afterEach(async () => {
  for (const standIn of standIns) await standIn.end()
  rmSync(folder, { recursive: true, force: true })
})

const start = async (...flags: string[]): Promise<StandIn> => {
  const standIn = await startStandIn(...flags)
  standIns.push(standIn)
  return standIn
}

const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const serviceOf = (
  profile: Partial<LlamaServiceOptions['profile']> = {},
  options: Partial<LlamaServiceOptions> = {},
) => {
  const { demo } = builtinProfiles(folder)
  if (demo === undefined) throw new Error('there is no demo profile')
  const binaryPath = join(folder, 'llama-server')
  return createLlamaService({
    profile: { ...demo.llamaServer, modelPath: join(folder, 'model.gguf'), port: 18_080, ...profile },
    apiKeyPath: join(folder, 'engine.key'),
    platform: 'linux',
    cwd: folder,
    resourcesDir: folder,
    locateBinary: () => binaryPath,
    readCapabilities: createCapabilityProbe('linux'),
    ...options,
  })
}

const fakeBinary = (body = `cat '${helpText}'`) =>
  file(
    'llama-server',
    `#!/bin/sh\ncase "$1" in\n--help) ${body} ;;\n--version) echo 'version: 1 (abc)' >&2 ;;\nesac\n`,
    0o755,
  )

describe('prepare', () => {
  it("builds the command line in the program's own spelling, and the whole environment", async () => {
    file('model.gguf', 'x')
    const binaryPath = fakeBinary()
    const spec = await serviceOf().prepare()
    expect(spec.argv[0]).toBe(binaryPath)
    const wordAfter = (flag: string) => spec.argv[spec.argv.indexOf(flag) + 1]
    expect(wordAfter('--port')).toBe('18080')
    expect(wordAfter('--api-key-file')).toBe(join(folder, 'engine.key'))
    expect(spec.argv).toContain('--metrics')
    expect(spec.cwd).toBe(folder)
    // Nothing of ours leaks in.
    expect(Object.keys(spec.env).sort()).toEqual([
      'GGML_NO_BACKTRACE',
      'HOME',
      'LANG',
      'LC_ALL',
      'LD_LIBRARY_PATH',
      'PATH',
    ])
  })

  it('names the key and the path of a missing model', async () => {
    fakeBinary()
    await expect(serviceOf().prepare()).rejects.toThrow(
      `llamaServer.modelPath: ${join(folder, 'model.gguf')} is missing`,
    )
    file('model.gguf', 'x')
    const draftModelPath = join(folder, 'draft.gguf')
    await expect(serviceOf({ draftModelPath }).prepare()).rejects.toThrow(
      `llamaServer.draftModelPath: ${draftModelPath} is missing`,
    )
  })

  it('refuses a folder as a model', async () => {
    fakeBinary()
    mkdirSync(join(folder, 'model.gguf'))
    await expect(serviceOf().prepare()).rejects.toThrow('is not a file')
  })

  it('reports why there is no program', async () => {
    file('model.gguf', 'x')
    const locateBinary = () => {
      throw new Error('llama-server is not installed yet')
    }
    await expect(serviceOf({}, { locateBinary }).prepare()).rejects.toThrow('not installed yet')
  })

  it.each([
    ['prints nothing', 'true', 'does not print llama-server’s flags'],
    ['fails', 'echo "no such device" >&2; exit 3', 'exited with status 3: no such device'],
    ['dies', 'kill -SEGV $$', 'was killed by SIGSEGV'],
  ])('says so when its --help %s', async (_, body, reason) => {
    file('model.gguf', 'x')
    fakeBinary(body)
    await expect(serviceOf().prepare()).rejects.toThrow(reason.replace('’', "'"))
  })

  it('refuses a profile that this build cannot run, with every reason', async () => {
    file('model.gguf', 'x')
    fakeBinary()
    await expect(serviceOf({ speculation: 'draft-simple', draftModelPath: null }).prepare()).rejects.toThrow(
      'llamaServer.draftModelPath names no draft model',
    )
  })
})

describe('probe', () => {
  const patience = () => AbortSignal.timeout(10_000)

  it('is loading for as long as the server says so, then ready', async () => {
    const standIn = await start('--load-ms', '300')
    expect(await probeLlamaServer(standIn.url, patience())).toEqual({
      state: 'loading',
      detail: 'loading the model',
    })
    await expect
      .poll(() => probeLlamaServer(standIn.url, patience()), { interval: 20, timeout: 10_000 })
      .toEqual({ state: 'ready' })
  })

  it('asks only /health, which needs no key and does not wait for a batch', async () => {
    const key = file('engine.key', 'sk-engine\n')
    const standIn = await start('--api-key-file', key)
    await standIn.behave('/slots', { behaviour: 'hang' })
    expect(await probeLlamaServer(standIn.url, patience())).toEqual({ state: 'ready' })
    expect((await standIn.asked('/slots')).times).toBe(0)
  })

  it.each([
    [{ behaviour: 'status', status: 500 }, '/health answered 500'],
    [{ behaviour: 'status', status: 401 }, '/health answered 401'],
    [{ behaviour: 'reset' }, 'no answer: '],
    [{ behaviour: 'hang' }, 'no answer: no answer in time'],
  ] as const)('is unreachable after %o', async (behaviour, detail) => {
    const standIn = await start()
    await standIn.behave('/health', behaviour)
    const probed = await probeLlamaServer(standIn.url, AbortSignal.timeout(300))
    expect(probed).toMatchObject({ state: 'unreachable', detail: expect.stringContaining(detail) })
  })

  it('is unreachable when nothing listens', async () => {
    const standIn = await start()
    await standIn.end()
    expect(await probeLlamaServer(standIn.url, patience())).toEqual({
      state: 'unreachable',
      detail: 'no answer: connection refused',
    })
  })

  it.each(['half-then-hang', 'flood'] as const)(
    'does not wait for the rest of a body (%s)',
    async (behaviour) => {
      const standIn = await start()
      await standIn.behave(
        '/health',
        behaviour === 'flood' ? { behaviour, bytes: 100_000_000 } : { behaviour },
      )
      expect(await probeLlamaServer(standIn.url, patience())).toEqual({ state: 'ready' })
      expect((await standIn.asked('/health')).bytesSent).toBeLessThan(30_000_000)
    },
  )
})

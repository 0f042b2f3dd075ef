// `nexus model` against a core that answers as the test wants, with its own models folder.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Command } from '../../contract/command.ts'
import type { ModelFetch, Snapshot } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { placeOf, writeFetchRecord } from '../../core/models/fetched-file.ts'
import { createTestContext, openTestCore, type TestContext } from '../test-support/core.ts'
import { runModel } from './model.ts'

const command = (action: 'fetch' | 'remove', model: string) =>
  ({ name: 'model', action, model, json: false }) as const
const list = (json: boolean) => ({ name: 'model', action: 'list', model: null, json }) as const

const fetch: ModelFetch = {
  id: 'a/b',
  file: 'Tiny.gguf',
  doneBytes: 512 * 1024 ** 2,
  totalBytes: 1024 ** 3,
  bytesPerSecond: 10 * 1024 ** 2,
  secondsLeft: 52,
  phase: 'fetching',
  reason: null,
}

/** A core that reports these states of the fetch, one after the other. */
const openFetchingCore = async ({ context }: TestContext, states: readonly Partial<ModelFetch>[]) => {
  const commands: Command[] = []
  const snapshots = states.map(
    (state): Snapshot => ({ ...sampleSnapshot, fetches: [{ ...fetch, ...state }] }),
  )
  await openTestCore(context, {
    readSnapshot: async () => snapshots.at(-1) ?? sampleSnapshot,
    dispatch: async (given) => {
      commands.push(given)
      return { accepted: true }
    },
    watch: (tell) => ({
      begun: Promise.resolve().then(() => {
        for (const snapshot of snapshots) tell(snapshot)
      }),
      setWatched: () => {},
      stop: () => {},
    }),
  })
  return commands
}

it('shows a fetch until the model is here, and passes token and mirror only to the core', async () => {
  const test = createTestContext()
  const context = { ...test.context, env: { HF_TOKEN: 'hf_secret', HF_ENDPOINT: 'https://hf.example' } }
  const done = { phase: 'done', doneBytes: 1024 ** 3, reason: '/models/Tiny.gguf' } as const
  const commands = await openFetchingCore(test, [
    { phase: 'listing', file: null, totalBytes: null },
    {},
    done,
  ])
  expect(await runModel(command('fetch', 'a/b'), context)).toBe(0)
  expect(commands).toEqual([
    { type: 'fetchModel', model: 'a/b', endpoint: 'https://hf.example', token: 'hf_secret' },
  ])
  expect(test.said).toEqual(['a/b: looking up the files', 'Tiny.gguf: 0.5 of 1 GiB, 10 MiB/s, 52 s left'])
  expect(test.printed).toEqual(['a/b is here: /models/Tiny.gguf'])
})

it('fails with the reason', async () => {
  const test = createTestContext()
  await openFetchingCore(test, [{ phase: 'failed', reason: 'the disk is full' }])
  expect(await runModel(command('fetch', 'a/b'), test.context)).toBe(1)
  expect(test.said).toEqual(['the disk is full'])
})

const putModel = ({ context }: TestContext, name: string) => {
  const { modelsDir } = context.folder
  mkdirSync(modelsDir, { recursive: true })
  writeFileSync(join(modelsDir, name), 'model')
  return join(modelsDir, name)
}

const putFetched = (test: TestContext, name: string) => {
  const path = putModel(test, name)
  writeFetchRecord(placeOf(test.context.folder.modelsDir, name), {
    version: 1,
    repo: 'a/b',
    revision: '1',
    path: name,
    bytes: 5,
    sha256: '0'.repeat(64),
    etag: null,
    verified: { bytes: 5, mtimeMs: 1 },
  })
  return path
}

it('removes a fetched model and names the profile that needs it', async () => {
  const test = createTestContext()
  const path = putFetched(test, 'Tiny.gguf')
  const profiles = { mine: { llamaServer: { modelPath: path, draftModelPath: null } } }
  writeFileSync(test.context.folder.configPath, JSON.stringify({ profiles }))
  expect(await runModel(command('remove', 'Tiny'), test.context)).toBe(0)
  expect(test.printed).toEqual(['Tiny is removed. The profile mine needs it.'])
  expect(existsSync(path)).toBe(false)
})

it('removes no file that it did not fetch', async () => {
  const test = createTestContext()
  const path = putModel(test, 'Mine.gguf')
  expect(await runModel(command('remove', 'Mine'), test.context)).toBe(1)
  expect(test.said).toEqual([`${path} was not fetched by Nexus, so Nexus does not remove it`])
  expect(existsSync(path)).toBe(true)
})

it('removes no model that is served or being fetched', async () => {
  const served = createTestContext()
  const path = putFetched(served, 'Tiny.gguf')
  const snapshot = { ...sampleSnapshot, engineModel: { modelPath: '/x.gguf', draftModelPath: path } }
  await openTestCore(served.context, { readSnapshot: async () => snapshot })
  expect(await runModel(command('remove', 'Tiny'), served.context)).toBe(1)
  expect(served.said).toEqual([
    'Tiny is what the AI Engine serves: nexus down first, or start another profile',
  ])
  expect(existsSync(path)).toBe(true)

  const fetched = createTestContext()
  putFetched(fetched, 'Tiny.gguf')
  await openFetchingCore(fetched, [{}])
  expect(await runModel(command('remove', 'Tiny'), fetched.context)).toBe(1)
  expect(fetched.said).toEqual(['Tiny is being fetched: nexus model cancel a/b first'])
})

it('lists with and without a core, and as JSON', async () => {
  const test = createTestContext()
  putFetched(test, 'Tiny.gguf')
  const context = {
    ...test.context,
    env: { LLAMA_CACHE: test.context.folder.root, HF_HOME: '/none', OLLAMA_MODELS: '/none' },
  }
  await runModel(list(true), context)
  expect(JSON.parse(test.printed[0] ?? '')).toMatchObject({
    dir: test.context.folder.modelsDir,
    models: [{ name: 'Tiny', bytes: 5, from: 'a/b:Tiny.gguf', state: 'whole', linkedTo: null }],
    fetches: [],
  })
  await openFetchingCore(test, [{}])
  await runModel(list(false), context)
  const lines = test.printed.slice(1)
  expect(lines).toContain('Being fetched')
  expect(lines).toContain('  a/b: 0.5 of 1 GiB, 10 MiB/s, 52 s left')
})

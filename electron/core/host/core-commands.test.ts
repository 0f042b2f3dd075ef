// One start: the profile is resolved and planned once, what is missing is installed, and only then something runs.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Command, OutcomeSchema } from '../../contract/command.ts'
import type { Profile } from '../../contract/profile.ts'
import type { Phase, ServiceState } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { openSettings } from '../config/settings.ts'
import { ensureStateFolder, locateStateFolder, type StateFolder } from '../config/state-folder.ts'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { planMemory } from '../memory/memory-plan.ts'
import { reservesFor } from '../memory/reserves.ts'
import type { MemoryPlanReading } from '../memory/stack-plan.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import { readIntent } from '../stack/intent.ts'
import type { CommandedServices } from './commanded-core.ts'
import { type CoreCommands, createCoreCommands } from './core-commands.ts'
import { createSetUpRunner, type SetUpRunner } from './set-up-runner.ts'

const header = new URL('../gguf/fixtures/Llama-3.2-3B-Instruct-Q4_K_M.header.gguf', import.meta.url).pathname

let folder: StateFolder
let done: string[]
let finish: () => void
let plan: MemoryPlanReading
let missing: boolean
/** llama-server's, if a stop fails to end it; null: none is left. */
let leftPid: number | null
let setUp: SetUpRunner
let commands: CoreCommands

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-commands-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  folder = locateStateFolder({ NEXUS_HOME: root, NEXUS_SHARED: '' }, 'linux', root)
  ensureStateFolder(folder)
  done = []
  missing = true
  leftPid = null
  plan = { kind: 'unknown', reason: 'no such file', files: 'missing' }
  const state = (phase: Phase): ServiceState => ({ ...sampleSnapshot.services.proxy, phase, pid: null })
  let phase: Phase = 'stopped'
  const assemble = (profileName: string, profile: Profile): CommandedServices => ({
    profileName,
    profile,
    prover: { retry: () => {} },
    stack: {
      states: () => ({
        ramDisk: state(phase),
        llamaServer: { ...state(phase), pid: phase === 'failed' ? leftPid : null },
        proxy: state(phase),
      }),
      start: async (ids) => {
        phase = 'starting'
        done.push(`start ${ids.join()}`)
      },
      stop: async (ids) => {
        phase = leftPid === null ? 'stopped' : 'failed'
        done.push(`stop ${ids.join()}`)
      },
      eject: async () => ({ kind: 'not-mounted' }),
      releaseGateway: async () => {},
      adopt: async () => [],
      close: async () => {},
    },
    endForeign: async () => null,
    untilIdle: async () => {},
    park: async () => {},
  })
  const demo = builtinProfiles(folder.runtimeDir)['demo']
  if (demo === undefined) throw new Error('there is no demo profile')
  let assembly = assemble('demo', demo)
  setUp = createSetUpRunner(
    {
      readMissing: async () => (missing ? [{ id: 'litellm', text: 'LiteLLM' }] : []),
      install: (_, __, signal) =>
        new Promise((resolve, reject) => {
          done.push('install')
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
          finish = () => {
            missing = false
            resolve()
          }
        }),
    },
    () => {},
  )
  commands = createCoreCommands({
    folder,
    resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources'),
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    settings: openSettings(folder),
    memoryMap: {
      readPlan: async () => {
        done.push('plan')
        return plan
      },
      want: () => {},
      current: () => null,
    },
    setUp,
    fetches: { start: () => ({ accepted: true }), cancel: () => ({ accepted: true }), isActive: () => false },
    assembly: () => assembly,
    takeProfile: async ({ name, profile }) => {
      done.push(`take ${name}`)
      assembly = assemble(name, profile)
    },
    readGpuLimit: async () => null,
    note: () => {},
    logError: () => {},
    onChange: () => {},
    onAllStopped: () => {},
    isEnding: () => false,
  })
})

const up = (change: Partial<Extract<Command, { type: 'start' }>> = {}): Command => ({
  type: 'start',
  only: null,
  profile: 'demo',
  force: false,
  setUp: true,
  ...change,
})
const all = 'ramDisk,llamaServer,proxy'

describe('a start that installs what is missing', () => {
  it('says which profile and why, installs, and then starts; until then it is still set up', async () => {
    expect(await commands.dispatch(up())).toEqual({
      accepted: true,
      profile: { name: 'demo', because: 'asked for' },
    })
    expect(done).toEqual(['plan', 'take demo', 'install'])
    expect(setUp.state()?.running).not.toBeNull()
    finish()
    await expect.poll(() => setUp.state()).toBeNull()
    expect(done.slice(3)).toEqual(['plan', `start ${all}`])
  })

  it('begins at once where nothing is missing, or nothing is to be installed', async () => {
    await commands.dispatch(up({ setUp: false }))
    expect(done).toEqual(['plan', 'take demo', `start ${all}`])
  })

  it('asked for twice is one; for another profile meanwhile it is refused', async () => {
    await commands.dispatch(up())
    expect(await commands.dispatch(up())).toEqual({ accepted: true })
    expect(await commands.dispatch(up({ profile: 'studio' }))).toMatchObject({
      reason: 'set-up is already running',
    })
    expect(done.filter((step) => step === 'install')).toHaveLength(1)
  })

  it('starts nothing when a stop calls it off', async () => {
    await commands.dispatch(up())
    await commands.dispatch({ type: 'stop', only: null, eject: false, now: true, force: false })
    await expect.poll(() => setUp.state()?.running).toBeNull()
    expect(setUp.state()?.failure).toBeNull()
    expect(done.filter((step) => step.startsWith('start'))).toEqual([])
  })

  it('installs nothing for a profile that is nowhere', async () => {
    expect(await commands.dispatch(up({ profile: 'nowhere' }))).toMatchObject({ accepted: false })
    expect(done).toEqual([])
  })

  it('is refused with the plan that refuses it, before anything is installed; forced it goes on', async () => {
    const totalBytes = 4e9
    const misfit = planMemory({
      target: await readGgufHeader(header),
      draft: null,
      projectorBytes: null,
      server: {
        contextTokens: 32_768,
        slots: 4,
        gpuLayers: 99,
        draftGpuLayers: 99,
        unifiedKv: false,
        cacheTypeK: 'f16',
        cacheTypeV: 'f16',
        draftCacheTypeK: 'q4_0',
        draftCacheTypeV: 'q4_0',
        batchTokens: 512,
        microBatchTokens: 512,
        promptCacheBytes: 0,
        fullSlidingCache: false,
        checkpointsPerSlot: 32,
        checkpointStepTokens: 8192,
        projectorPath: null,
        projectorOnGpu: true,
        unread: [],
      },
      ramDiskBytes: 8e9,
      machine: { totalBytes, gpuLimitBytes: null },
      reserves: reservesFor(totalBytes),
      whyNoPool: null,
    })
    plan = { kind: 'planned', plan: misfit }
    const outcome = await commands.dispatch(up())
    expect(OutcomeSchema.parse(JSON.parse(JSON.stringify(outcome)))).toEqual({
      accepted: false,
      reason: expect.stringContaining('does not fit'),
      misfit: JSON.parse(JSON.stringify(misfit)),
    })
    expect(done).toEqual(['plan'])
    expect(await commands.dispatch(up({ force: true }))).toMatchObject({ accepted: true })
    expect(done).toEqual(['plan', 'take demo', 'install'])
  })
})

describe('a restart of everything', () => {
  const change = (contextTokens: number) =>
    writeFileSync(
      folder.configPath,
      JSON.stringify({ profile: 'demo', profiles: { demo: { llamaServer: { contextTokens } } } }),
    )

  it('with changed settings reads and plans them once, before anything stops', async () => {
    await commands.dispatch(up({ setUp: false }))
    done.length = 0
    change(16_384)
    expect(await commands.dispatch({ type: 'restart', only: null })).toEqual({ accepted: true })
    // An edit during the stop is for the next restart: it was not judged.
    change(8_192)
    await expect.poll(() => done.at(-1)).toBe(`start ${all}`)
    expect(done).toEqual(['plan', `stop ${all}`, 'take demo', `start ${all}`])
    expect(readIntent(folder.intentPath)?.profile.llamaServer.contextTokens).toBe(16_384)
  })

  it('judges again what a llama-server that did not end keeps of its settings', async () => {
    await commands.dispatch(up({ setUp: false }))
    done.length = 0
    change(16_384)
    leftPid = 4711
    await commands.dispatch({ type: 'restart', only: null })
    await expect.poll(() => done.at(-1)).toBe(`start ${all}`)
    expect(done).toEqual(['plan', `stop ${all}`, 'plan', 'take demo', `start ${all}`])
    expect(readIntent(folder.intentPath)?.profile.llamaServer.contextTokens).not.toBe(16_384)
  })

  it('without changes plans nothing, and takes no profile', async () => {
    await commands.dispatch(up({ setUp: false }))
    done.length = 0
    await commands.dispatch({ type: 'restart', only: null })
    await expect.poll(() => done.at(-1)).toBe(`start ${all}`)
    expect(done).toEqual([`stop ${all}`, `start ${all}`])
  })
})

describe('a start of a model of the catalogue', () => {
  const model = 'smollm2-135m'

  it.each([
    ['gpt-oss-20b', 'gpt-oss-20b is not here: nexus model fetch gpt-oss-20b'],
    ['nope', 'found "nope"; allowed: r1-distill-llama-70b, '],
  ])('says of %s what to do, and starts nothing', async (named, reason) => {
    expect(await commands.dispatch(up({ profile: null, model: named }))).toEqual({
      accepted: false,
      reason: expect.stringContaining(reason),
    })
    expect(done).toEqual([])
  })

  it('takes a profile composed for it, whose file the user can copy', async () => {
    const path = join(folder.modelsDir, 'SmolLM2-135M-Instruct.Q4_1.gguf')
    mkdirSync(folder.modelsDir, { recursive: true })
    copyFileSync(header, path)
    const written = join(folder.root, 'model-profiles', `${model}.json`)
    expect(await commands.dispatch(up({ profile: null, model }))).toEqual({
      accepted: true,
      profile: { name: written, because: 'asked for' },
    })
    expect(done).toEqual(['plan', `take ${written}`, 'install'])
    expect(JSON.parse(readFileSync(written, 'utf8'))).toMatchObject({ llamaServer: { modelPath: path } })
  })
})

// Set-up in the core: its progress, one at a time, cancelled by a stop.
import { beforeEach, describe, expect, it } from 'vitest'
import type { Profile } from '../../contract/profile.ts'
import type { SetUpState } from '../../contract/snapshot.ts'
import { SetUpStateSchema } from '../../contract/snapshot.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { createSetUpRunner, type SetUpRunner, type SetUpWork } from './set-up-runner.ts'

const demo = builtinProfiles('/runtime')['demo']
if (demo === undefined) throw new Error('there is no demo profile')
const profile: Profile = demo
const litellm = { id: 'litellm', text: 'LiteLLM' } as const

let missing: SetUpState['missing']
let installing: {
  report: Parameters<SetUpWork['install']>[1]
  end: () => void
  fail: (error: Error) => void
}[]
let seen: (SetUpState | null)[]
let runner: SetUpRunner

beforeEach(() => {
  missing = [litellm]
  installing = []
  seen = []
  runner = createSetUpRunner(
    {
      readMissing: async () => missing,
      install: (_, report, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
          installing.push({ report, end: resolve, fail: reject })
        }),
    },
    () => {
      const state = runner.state()
      if (state !== null) expect(SetUpStateSchema.parse(state)).toEqual(state)
      seen.push(state)
    },
  )
})

describe('set-up', () => {
  it('is null before the first check, and when nothing is missing', async () => {
    expect(runner.state()).toBeNull()
    missing = []
    await runner.look(profile)
    expect(runner.state()).toBeNull()
  })

  it('tells what is missing, how far it is, and that nothing is missing any more', async () => {
    await runner.look(profile)
    expect(runner.state()).toEqual({ missing: [litellm], running: null, failure: null })
    const done = runner.run(profile)
    expect(runner.state()?.running).not.toBeNull()
    installing[0]?.report({ message: 'Fetching LiteLLM', done: 3, total: 80 })
    expect(runner.state()?.running).toEqual({ message: 'Fetching LiteLLM', done: 3, total: 80 })
    installing[0]?.report({ message: 'Compiling' })
    expect(runner.state()?.running).toEqual({ message: 'Compiling', done: null, total: null })
    missing = []
    installing[0]?.end()
    expect(await done).toBe(true)
    expect(runner.state()).toBeNull()
    expect(seen.at(-1)).toBeNull()
  })

  it('is done by one at a time', async () => {
    const first = runner.run(profile)
    expect(await runner.run(profile)).toBe(false)
    expect(installing).toHaveLength(1)
    installing[0]?.end()
    expect(await first).toBe(true)
  })

  it('says why it failed until it is tried again', async () => {
    const done = runner.run(profile)
    installing[0]?.fail(new Error('no network'))
    expect(await done).toBe(false)
    expect(runner.state()).toEqual({ missing: [litellm], running: null, failure: 'no network' })
    const again = runner.run(profile)
    expect(runner.state()?.failure).toBeNull()
    installing[1]?.end()
    await again
  })

  it('that is called off is no failure, and can go on', async () => {
    const done = runner.run(profile)
    runner.cancel()
    expect(await done).toBe(false)
    expect(runner.state()).toEqual({ missing: [litellm], running: null, failure: null })
    const again = runner.run(profile)
    installing[1]?.end()
    expect(await again).toBe(true)
  })

  it('forgets a failure when it was installed by other means', async () => {
    const done = runner.run(profile)
    installing[0]?.fail(new Error('no network'))
    await done
    missing = []
    await runner.look(profile)
    expect(runner.state()).toBeNull()
  })
})

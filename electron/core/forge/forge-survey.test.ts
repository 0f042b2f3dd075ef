import { expect, it } from 'vitest'
import type { RamDisk } from '../../contract/snapshot.ts'
import { createForgeSurvey } from './forge-survey.ts'
import type { ForgeUse, WorkspaceUse } from './forge-use.ts'

const workspace = (path: string | null, bytes: number | null): WorkspaceUse => ({
  hashPath: '/m/build/aa/bb',
  buildDir: `/m/build/aa/bb${path ?? ''}`,
  workspace: path,
  uid: 1,
  lastCompiledAt: 5,
  lastUsedAt: 6,
  lockPaths: [],
  bytes,
  owner: 'anna',
  building: false,
})

/** A survey on a clock and a disk of the test's own. */
const createCase = () => {
  const state: {
    now: number
    usedBytes: number
    mounted: boolean
    looks: number
    heldBytes: number | null | undefined
  } = { now: 0, usedBytes: 10, mounted: true, looks: 0, heldBytes: null }
  let answer: (use: ForgeUse) => void = () => {}
  const survey = createForgeSurvey({
    readDisk: async (): Promise<RamDisk> => ({
      mountPoint: '/m',
      mounted: state.mounted,
      kind: 'tmpfs',
      totalBytes: 100,
      usedBytes: state.usedBytes,
    }),
    readUse: () => {
      state.looks += 1
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    readHeldBytes: async () => {
      if (state.heldBytes === undefined) throw new Error('hdiutil info is not understood')
      return state.heldBytes
    },
    onError: (error) => {
      throw error
    },
    now: () => state.now,
  })
  const found = async (...workspaces: WorkspaceUse[]) => {
    answer({ workspaces, closedOwners: [] })
    await new Promise((resolve) => setImmediate(resolve))
  }
  const projects = async () => (await survey.read()).projects
  const held = async () => (await survey.read()).heldBytes
  return { state, found, projects, held }
}

it('never waits for a look, and shows none that was not made', async () => {
  const { found, projects, state } = createCase()
  expect(await projects()).toBeUndefined()
  expect(await projects()).toBeUndefined()
  expect(state.looks).toBe(1)
  await found(workspace('/w', 7), workspace(null, 3), workspace('/closed', null))
  expect(await projects()).toEqual([
    { path: '/w', bytes: 7, owner: 'anna', lastBuildAt: 5, building: false },
    { path: '/m/build/aa/bb', bytes: 3, owner: 'anna', lastBuildAt: 5, building: false },
  ])
})

it('looks again when builds have changed the disk, and not before a pause', async () => {
  const { found, projects, state } = createCase()
  await projects()
  await found()
  state.usedBytes = 20
  state.now = 29_000
  await projects()
  expect(state.looks).toBe(1)
  state.now = 31_000
  await projects()
  expect(state.looks).toBe(2)
  await found()
  state.now = 100_000
  await projects()
  expect(state.looks).toBe(2)
  state.now = 400_000
  await projects()
  expect(state.looks).toBe(3)
})

it('spends no more than 2 % of the time on it', async () => {
  const { found, projects, state } = createCase()
  await projects()
  state.now = 10_000
  await found()
  state.usedBytes = 20
  state.now = 400_000
  await projects()
  expect(state.looks).toBe(1)
  state.now = 511_000
  await projects()
  expect(state.looks).toBe(2)
})

it('forgets what was on a disk that is gone, also what it was just being told', async () => {
  const { found, projects, state } = createCase()
  await projects()
  await found(workspace('/w', 7))
  state.mounted = false
  expect(await projects()).toBeUndefined()
  state.mounted = true
  expect(await projects()).toBeUndefined()
  expect(state.looks).toBe(2)
  state.mounted = false
  await projects()
  await found(workspace('/w', 7))
  state.mounted = true
  expect(await projects()).toBeUndefined()
})

it('reports the memory that the disk holds once it was read, and null before', async () => {
  const { state, found, held } = createCase()
  state.heldBytes = 23
  expect(await held()).toBeUndefined()
  await found()
  expect(await held()).toBe(23)
  state.now += 600_000
  state.heldBytes = undefined
  await held()
  await found()
  expect(await held()).toBeNull()
  state.mounted = false
  expect(await held()).toBeUndefined()
})

// The Build Forge as a service: what the mount table says, one thing at a time, and no false alarm.
import { describe, expect, it } from 'vitest'
import type { Phase } from '../../contract/snapshot.ts'
import type { EjectOutcome, MountOutcome, RamDiskControl, RamDiskSpec } from '../platform/platform.ts'
import { createRamDiskService, describeHolders, howToWire } from './ram-disk-service.ts'

const spec: RamDiskSpec = {
  volumeName: 'Forge',
  sizeBytes: 1_048_576,
  mountPoint: '/mnt/forge',
  filesystem: 'hfs+',
}
const holder = { pid: 12, command: 'cargo', user: 'bob' }

/** A control whose every answer is given by the test, when the test says so. */
const setUp = (mounted = false) => {
  const calls: string[] = []
  const answers: { resolve: (outcome: never) => void; reject: (error: Error) => void }[] = []
  const world = { mounted, clock: 1_000 }
  const reads: (() => void)[] = []
  const asked = <T>(name: string): Promise<T> => {
    calls.push(name)
    return new Promise<T>((resolve, reject) => answers.push({ resolve, reject }))
  }
  const control: RamDiskControl = {
    defaultMountPoint: () => '/mnt/forge',
    read: ({ mountPoint }) => {
      // As a slow diskutil does: the truth of when it looked, told later.
      const seen = world.mounted
      return new Promise((resolve) =>
        reads.push(() =>
          resolve({ mountPoint, mounted: seen, kind: null, totalBytes: null, usedBytes: null }),
        ),
      )
    },
    readBacking: async () => null,
    ignoresOwners: async () => false,
    mount: () => asked('mount'),
    eject: (_, { force }) => asked(force ? 'eject by force' : 'eject'),
  }
  const phases: Phase[] = []
  const notes: string[] = []
  const service = createRamDiskService(
    control,
    spec,
    () => phases.push(service.state().phase),
    (text) => notes.push(`${service.state().phase}: ${text}`),
    () => world.clock,
  )
  const answer = async (outcome: MountOutcome | EjectOutcome | Error) => {
    const waiting = answers.shift()
    if (waiting === undefined) throw new Error('nothing waits for an answer')
    if (outcome instanceof Error) waiting.reject(outcome)
    else {
      world.mounted = outcome.kind === 'mounted' || (world.mounted && outcome.kind !== 'done')
      waiting.resolve(outcome as never)
    }
    await settled()
  }
  const look = async () => {
    const reading = service.read()
    for (const tell of reads.splice(0)) tell()
    return reading
  }
  return { service, world, calls, phases, notes, answer, look, reads }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const mountedNow: MountOutcome = { kind: 'mounted', already: false, note: null }

const setUpReady = async () => {
  const parts = setUp()
  const started = parts.service.start()
  await parts.answer(mountedNow)
  await started
  parts.phases.length = 0
  return parts
}

describe('start', () => {
  it('is starting until the mount is there, then ready with its place', async () => {
    const { service, answer, phases } = setUp()
    const started = service.start()
    expect(service.state()).toMatchObject({ phase: 'starting', waitingFor: 'the mount', endpoint: null })
    await answer(mountedNow)
    expect(await started).toMatchObject({ phase: 'ready', endpoint: '/mnt/forge', waitingFor: null })
    expect(phases).toEqual(['starting', 'ready'])
  })

  it('tells what a mount came with, once it is ready', async () => {
    const { service, answer, notes } = setUp()
    const started = service.start()
    await answer({ ...mountedNow, note: 'formatted as hfs, not apfs' })
    await started
    expect(notes).toEqual(['ready: formatted as hfs, not apfs'])
  })

  it('does not mount what is mounted', async () => {
    const { service, calls } = await setUpReady()
    expect((await service.start()).phase).toBe('ready')
    expect(calls).toEqual(['mount'])
  })

  it.each([
    ['refuses', { kind: 'failed', reason: 'a folder is in the way' } as const, 'a folder is in the way'],
    ['throws', new Error('EACCES: mkdir'), 'could not create the RAM disk: EACCES: mkdir'],
  ])('is failed with the reason when the mount %s, and can be tried again', async (_, outcome, reason) => {
    const { service, answer } = setUp()
    const started = service.start()
    await answer(outcome)
    expect(await started).toMatchObject({
      phase: 'failed',
      reason,
      endpoint: null,
    })
    const again = service.start()
    await answer(mountedNow)
    expect(await again).toMatchObject({ phase: 'ready', reason: null })
  })
})

describe('eject', () => {
  it('is done: stopped', async () => {
    const { service, answer, phases, calls } = await setUpReady()
    const ejected = service.eject({ force: false })
    expect(service.state()).toMatchObject({ phase: 'stopping', waitingFor: 'the eject', uptimeSeconds: null })
    await answer({ kind: 'done' })
    expect(await ejected).toEqual({ kind: 'done' })
    expect(service.state().phase).toBe('stopped')
    expect(phases).toEqual(['stopping', 'stopped'])
    expect(calls).toEqual(['mount', 'eject'])
  })

  it('hands on force', async () => {
    const { service, answer, calls } = await setUpReady()
    const ejected = service.eject({ force: true })
    await answer({ kind: 'done' })
    await ejected
    expect(calls).toEqual(['mount', 'eject by force'])
  })

  it.each([
    ['busy', { kind: 'busy', holders: [holder] } as const],
    ['failed', { kind: 'failed', reason: 'resource busy' } as const],
  ])('is %s: ready as before, for as long as before', async (_, outcome) => {
    const { service, answer, world } = await setUpReady()
    const before = service.state()
    world.clock += 60_000
    const ejected = service.eject({ force: false })
    await answer(outcome)
    expect(await ejected).toEqual(outcome)
    expect(service.state()).toEqual({ ...before, uptimeSeconds: 60 })
  })

  it('that throws is a failure with its words, and not the end', async () => {
    const { service, answer } = await setUpReady()
    const ejected = service.eject({ force: false })
    await answer(new Error('hdiutil is gone'))
    expect(await ejected).toEqual({ kind: 'failed', reason: 'hdiutil is gone' })
    expect(service.state().phase).toBe('ready')
  })

  it('that fails keeps the reason of the failure before', async () => {
    const { service, answer } = setUp()
    const started = service.start()
    await answer({ kind: 'failed', reason: 'no room' })
    await started
    const ejected = service.eject({ force: false })
    await answer({ kind: 'failed', reason: 'resource busy' })
    await ejected
    expect(service.state()).toMatchObject({ phase: 'failed', reason: 'no room' })
  })
})

describe('one at a time', () => {
  it('mounts and ejects in the order they were asked for, never at once', async () => {
    const { service, answer, calls } = setUp()
    const mounting = service.start()
    const ejecting = service.eject({ force: false })
    const again = service.start()
    await settled()
    expect(calls).toEqual(['mount'])
    await answer(mountedNow)
    await mounting
    expect(calls).toEqual(['mount', 'eject'])
    await answer({ kind: 'done' })
    await ejecting
    expect(calls).toEqual(['mount', 'eject', 'mount'])
    await answer(mountedNow)
    expect((await again).phase).toBe('ready')
  })

  it('begins nothing once it is closed, which takes as long as what was begun', async () => {
    const { service, answer, calls } = setUp()
    let closed = false
    const mounting = service.start()
    const ejecting = service.eject({ force: false })
    const closing = service.close().then(() => {
      closed = true
    })
    await settled()
    expect(closed).toBe(false)
    await answer(mountedNow)
    await Promise.all([mounting, closing])
    expect(await ejecting).toEqual({ kind: 'failed', reason: 'the core is ending' })
    expect((await service.start()).phase).toBe('ready')
    expect(calls).toEqual(['mount'])
  })

  it('goes on after a mount that threw', async () => {
    const { service, answer, calls } = setUp()
    const mounting = service.start()
    const ejecting = service.eject({ force: false })
    await answer(new Error('no'))
    await mounting
    await answer({ kind: 'not-mounted' })
    await ejecting
    expect(calls).toEqual(['mount', 'eject'])
    expect(service.state().phase).toBe('stopped')
  })
})

describe('read', () => {
  it('leaves a refusal of what is mounted there as it is, until the place was empty', async () => {
    const { service, answer, look, world } = setUp(true)
    const started = service.start()
    await answer({ kind: 'failed', reason: 'it has 8 GiB, and 16 GiB are asked for' })
    await started
    await look()
    expect(service.state()).toMatchObject({ phase: 'failed', reason: expect.stringContaining('16 GiB') })
    world.mounted = false
    await look()
    world.mounted = true
    await look()
    expect(service.state().phase).toBe('ready')
  })

  it('finds what an earlier core mounted', async () => {
    const { service, look } = setUp(true)
    expect((await look()).mounted).toBe(true)
    expect(service.state()).toMatchObject({ phase: 'ready', endpoint: '/mnt/forge' })
  })

  it('says so when it was unmounted behind our back, and is content when it is back', async () => {
    const { service, world, look } = await setUpReady()
    world.mounted = false
    await look()
    expect(service.state().phase).toBe('failed')
    expect(service.state().reason).toContain('/mnt/forge was unmounted by something else')
    world.mounted = true
    await look()
    expect(service.state()).toMatchObject({ phase: 'ready', reason: null })
  })

  it('raises no alarm for a reading from before the mount', async () => {
    const { service, answer, reads } = setUp()
    const reading = service.read()
    const started = service.start()
    await answer(mountedNow)
    await started
    for (const tell of reads.splice(0)) tell()
    expect((await reading).mounted).toBe(false)
    expect(service.state().phase).toBe('ready')
  })

  it('does not take a reading from before the eject for a new mount', async () => {
    const { service, answer, reads } = await setUpReady()
    const reading = service.read()
    const ejected = service.eject({ force: false })
    await answer({ kind: 'done' })
    await ejected
    for (const tell of reads.splice(0)) tell()
    expect((await reading).mounted).toBe(true)
    expect(service.state().phase).toBe('stopped')
  })

  it('leaves a mount that is under way alone', async () => {
    const { service, answer, look } = setUp()
    const started = service.start()
    await look()
    expect(service.state().phase).toBe('starting')
    await answer(mountedNow)
    await started
  })
})

describe('describeHolders', () => {
  it('names each with what is known', () => {
    expect(describeHolders([holder, { pid: 14, command: 'zsh', user: null }])).toBe(
      'cargo (pid 12, user bob), zsh (pid 14)',
    )
  })
})

it('names the disk that root would attach', () => {
  const spec = {
    volumeName: 'X',
    sizeBytes: 64 * 2 ** 30,
    mountPoint: '/Volumes/X',
    filesystem: 'hfs+',
  } as const
  expect(howToWire(spec)).toContain('sudo hdik -nomount ram://134217728')
})

// A service's line, and the button that mends it.
import { describe, expect, test } from 'vitest'
import {
  describeFigures,
  describeLineTitle,
  describePort,
  describeService,
  describeTrouble,
  hasTrouble,
} from './service-words.ts'
import { sampleStates } from './test-support/sample-states.ts'

const { busy, failed, foreign, degraded, unproved, noRamDisk, otherSize, starting } = sampleStates

test('the forge names its largest projects, the Router when it was last checked', () => {
  expect(describeService(busy.snapshot, 'ramDisk')).toBe('nexus-core 8.5 GiB, opta-ios 7.2 GiB')
  expect(describeService(busy.snapshot, 'proxy')).toBe('checked 12 s ago')
  expect(describeFigures(busy.snapshot, 'llamaServer')).toBe(':8080 · 3 d 4 h')
  expect(describeFigures(busy.snapshot, 'ramDisk')).toBe('19.9 of 64 GiB')
  expect(describeService(busy.snapshot, 'llamaServer')).toBe('DeepSeek-R1-Distill-Llama-70B-Q8_0')
  const { ramDisk } = busy.snapshot
  if (ramDisk === null) throw new Error('the sample has a RAM disk')
  const held = { ...ramDisk, heldBytes: 23_100_000_000 }
  const title = (disk: typeof ramDisk) => describeLineTitle({ ...busy.snapshot, ramDisk: disk }, 'ramDisk')
  // The line keeps its room for the largest projects.
  expect(describeFigures({ ...busy.snapshot, ramDisk: held }, 'ramDisk')).toBe('19.9 of 64 GiB')
  expect(title(held)).toBe('Build Forge: 64 GiB reserved, 19.9 used, 21.5 held; show its log')
  expect(title({ ...held, heldBytes: null })).toBe('Build Forge: show its log')
  expect(describeLineTitle(busy.snapshot, 'proxy')).toBe('Router: show its log')
  expect(describeLineTitle(busy.snapshot, 'llamaServer')).toBe(
    'AI Engine: DeepSeek-R1-Distill-Llama-70B-Q8_0, drafted by Llama-3.2-3B-Instruct-Q4_K_M; show its log',
  )
  expect(describeLineTitle(starting.snapshot, 'llamaServer')).toBe('AI Engine: show its log')
})

test.each([
  ['http://127.0.0.1:8080', ':8080'],
  ['http://[::1]:4000/', ':4000'],
  ['http://studio', ''],
  [null, ''],
])('%s', (endpoint, port) => {
  expect(describePort(endpoint)).toBe(port)
})

describe('trouble', () => {
  test('none while all is well, nor during a start', () => {
    expect(hasTrouble(busy.snapshot)).toBe(false)
    expect(hasTrouble(starting.snapshot)).toBe(false)
  })

  test('an engine that serves without the drafts it was asked for says so, and claims no draft', () => {
    const speculationFailure = 'It generates without drafts: made up.'
    const undrafted = { ...busy.snapshot, speculationFailure }
    expect(describeTrouble(undrafted, 'llamaServer')).toEqual({
      reason: speculationFailure,
      mend: null,
      warning: null,
      isLogged: false,
    })
    expect(describeTrouble(undrafted, 'proxy')).toBeNull()
    expect(describeLineTitle(undrafted, 'llamaServer')).toContain(', not drafted by Llama-3.2-3B')
  })

  test('a failed service is started again, alone', () => {
    expect(describeTrouble(failed.snapshot, 'llamaServer')).toMatchObject({
      reason: expect.stringContaining('the model file is missing'),
      mend: {
        label: 'Start AI Engine again',
        commands: [{ type: 'start', only: 'llamaServer', force: false }],
      },
      warning: null,
    })
    expect(describeTrouble(noRamDisk.snapshot, 'ramDisk')?.mend?.label).toBe('Mount it again')
  })

  test('a disk that failed while it is mounted is ejected first, which is asked', () => {
    expect(describeTrouble(otherSize.snapshot, 'ramDisk')).toMatchObject({
      mend: {
        label: 'Eject and mount again',
        commands: [
          { type: 'stop', only: 'ramDisk', eject: true, force: false },
          { type: 'start', only: 'ramDisk' },
        ],
      },
      warning: expect.stringContaining('Everything on the RAM disk is lost'),
    })
  })

  test('a degraded one still serves: that is said before it is restarted', () => {
    expect(describeTrouble(degraded.snapshot, 'llamaServer')?.warning).toContain('lost')
  })

  test('a Claude answer that did not come back is the Router’s trouble, though it is well by itself', () => {
    const { snapshot } = unproved
    expect(hasTrouble(snapshot)).toBe(true)
    expect(describeService(snapshot, 'proxy')).toBe('no Claude answer')
    expect(describeTrouble(snapshot, 'proxy')).toEqual({
      reason: snapshot.proofFailure,
      mend: { label: 'Restart Router', commands: [{ type: 'restart', only: 'proxy' }] },
      warning: 'Requests in progress are lost.',
      isLogged: true,
    })
    expect(describeTrouble(snapshot, 'llamaServer')).toBeNull()
  })

  test.each([
    ['while the stack still starts', { overall: 'starting' }],
    ['while it ends', { overall: 'stopping' }],
    ['when an answer did come back', { proof: busy.snapshot.proof }],
    ['when none was tried yet', { proofFailure: null }],
    [
      'when the AI Engine itself is not well',
      { services: { ...unproved.snapshot.services, llamaServer: degraded.snapshot.services.llamaServer } },
    ],
  ] as const)('the Router has none %s', (_, other) => {
    expect(describeTrouble({ ...unproved.snapshot, ...other }, 'proxy')).toBeNull()
  })

  test('a stranger on the port is named, and ended only when asked for', () => {
    expect(describeTrouble(foreign.snapshot, 'llamaServer')).toMatchObject({
      reason: 'llama-server (pid 812, user anna) holds its port; Nexus did not start it',
      mend: { commands: [{ replaceForeign: true }] },
      warning: 'This ends llama-server (pid 812, user anna) and whatever it is doing.',
    })
  })
})

test('a gateway says its name, and what is wrong with it; it comes back with the Router', () => {
  const gateway = { ...busy.snapshot.services.proxy, endpoint: 'http://ai.opta.local' }
  const ready = { ...busy.snapshot, services: { ...busy.snapshot.services, gateway } }
  expect(describeService(ready, 'gateway')).toBe('ai.opta.local')
  expect(describeFigures(ready, 'gateway')).toBe('3 d 4 h')
  expect(hasTrouble(ready)).toBe(false)
  const taken = {
    ...busy.snapshot,
    services: {
      ...busy.snapshot.services,
      gateway: { ...gateway, phase: 'failed' as const, reason: 'port 80 is held by nginx' },
    },
  }
  expect(describeTrouble(taken, 'gateway')).toMatchObject({
    reason: 'port 80 is held by nginx',
    mend: { commands: [{ type: 'start', only: 'proxy' }] },
  })
  expect(describeTrouble(busy.snapshot, 'gateway')).toBeNull()
})

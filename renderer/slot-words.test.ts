// What a slot's card says: unknown is a dash, a prompt's total is never guessed.
import { describe, expect, test } from 'vitest'
import { measureRoom } from '../electron/wording/room.ts'
import { describeSlot, describeWaiting, listTaken } from './slot-words.ts'
import {
  busySnapshot,
  generating,
  reading,
  request,
  sampleNow,
  slot,
} from './test-support/sample-snapshot.ts'
import { sampleStates } from './test-support/sample-states.ts'

test.each([
  [
    'free',
    slot(3, { contextTokens: 8192 }),
    { name: 'Slot 3', figure: 'free', detail: '8k cached', share: null },
  ],
  ['never used', slot(3), { figure: 'free', detail: '', spoken: 'Slot 3: free' }],
  [
    'generating',
    generating(0, 'anna', 41_984, 18.2),
    { name: 'anna', figure: '18.2', unit: 't/s', detail: '41k of 96k' },
  ],
  [
    'without a rate',
    generating(1, null, 100, null),
    { name: 'Slot 1', figure: '–', spoken: 'Slot 1: generating, context 100 of 96k' },
  ],
  ['prefill', reading(2, 'anna', 0.62), { figure: '62', unit: '%', detail: 'prefill 31k', share: 0.62 }],
  [
    'prefill of unknown length',
    reading(2, 'anna', null),
    { figure: '–', detail: 'prefill 19k', share: null },
  ],
  ['beyond its limit', generating(0, 'anna', 200_000, 1), { share: 1 }],
] as const)('%s', (_, given, words) => {
  expect(describeSlot(given)).toMatchObject(words)
})

test('whose conversation a slot holds, where the client named it', () => {
  const held = { developer: 'anna', conversation: '3f90', named: true }
  expect(describeSlot(slot(3, { contextTokens: 8192, held }))).toMatchObject({
    name: 'anna',
    conversation: '3f90',
    figure: 'free',
    spoken: "Slot 3: free, holds anna's conversation 3f90, 8k cached",
  })
  for (const uncertain of [null, { ...held, named: false }])
    expect(describeSlot(slot(3, { contextTokens: 8192, held: uncertain }))).toMatchObject({
      name: 'Slot 3',
      conversation: '',
      spoken: 'Slot 3: free, 8k cached',
    })
  expect(describeSlot(slot(3, { held }), true)).toMatchObject({ name: 'Slot 3', conversation: '' })
})

test('what was found in the cache of the prompt that is answered, a dash where that is not known', () => {
  const answering = { ...generating(0, 'anna', 1_200, 18.2), promptTokens: 1_145, promptProcessed: 238 }
  expect(describeSlot(answering)).toMatchObject({
    found: '79 % hit',
    spoken: expect.stringContaining('79 % of the prompt found in the cache, conversation 3f90'),
  })
  expect(describeSlot({ ...answering, promptProcessed: 1_145 }).found).toBe('0 % hit')
  // Not all of it: the last token is always read.
  expect(describeSlot({ ...answering, promptTokens: 90_000, promptProcessed: 1 }).found).toBe('99 % hit')
  expect(describeSlot({ ...answering, promptTokens: null }).found).toBe('– hit')
  expect(describeSlot(reading(2, 'anna', 0.62)).found).toBe('– hit')
  expect(describeSlot(slot(3, { contextTokens: 8192 })).found).toBe('')
})

test('a slot that is being taken is not called free', () => {
  expect(describeSlot(slot(3, { contextTokens: 8192 }), true)).toMatchObject({
    phase: 'taken',
    figure: 'taken',
    detail: '',
  })
  expect(describeSlot(generating(0, 'anna', 1, 2), true).phase).toBe('generating')
})

describe('as many idle slots are taken as the headline says', () => {
  const admitted = [
    request('a', 'ben', 'prefill', 6_000),
    request('b', 'anna', 'prefill', 2_000),
    request('c', 'anna', 'generating', 99_000),
  ]
  const late = {
    ...busySnapshot,
    slots: [slot(3), generating(0, 'anna', 100, 2), slot(2), slot(1)],
    requests: admitted,
  }

  test('the lowest of them', () => {
    expect(measureRoom(late)?.free).toBe(1)
    expect(listTaken(late)).toEqual([1, 2])
  })

  test('none when the Router has let no request through, all when there is no room', () => {
    expect(listTaken({ ...late, requests: null })).toEqual([])
    const more = [...admitted, request('d', 'ben', 'prefill', 10)]
    expect(listTaken({ ...late, requests: more })).toEqual([1, 2, 3])
  })

  test('not those that another Studio serves', () => {
    const [node] = sampleStates.nodes.snapshot.nodes
    if (node === undefined) throw new Error('the sample has another Studio')
    const requests = [
      ...admitted,
      ...['d', 'e', 'f'].map((id) => ({ ...request(id, 'ben', 'prefill', 10), node: node.name })),
    ]
    const both = { ...late, nodes: [{ ...node, slots: [slot(0), slot(1), slot(2), slot(3)] }], requests }
    expect(measureRoom(both)?.free).toBe(2)
    expect(listTaken(both)).toEqual([1, 2])
  })
})

test('who waits, and the longest of them', () => {
  const requests = [
    request('a', 'ben', 'waiting', 6_000),
    request('b', 'anna', 'waiting', 14_900),
    request('c', 'anna', 'generating', 99_000),
  ]
  expect(describeWaiting({ ...busySnapshot, requests })).toEqual({
    count: '2 agents waiting',
    longest: 'longest 14 s',
    names: 'anna, ben',
  })
})

test('no request waits, or unknown', () => {
  expect(describeWaiting(busySnapshot)).toBeNull()
  expect(describeWaiting({ ...busySnapshot, requests: null, queue: null })).toBeNull()
})

test('llama-server knows that a request waits, not since when', () => {
  const snapshot = { ...busySnapshot, requests: null, queue: { processing: 4, deferred: 1 } }
  expect(describeWaiting(snapshot)).toEqual({ count: '1 agent waiting', longest: '', names: '' })
})

test('a Router whose clock is ahead does not make a wait negative', () => {
  const requests = [{ ...request('a', 'ben', 'waiting', 0), startedAt: sampleNow + 400 }]
  expect(describeWaiting({ ...busySnapshot, requests })?.longest).toBe('longest 0 s')
})

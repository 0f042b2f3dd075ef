// The sentence that a person acts on, for every sample state.
import { describe, expect, test } from 'vitest'
import type { AppState } from '../electron/contract/app.ts'
import { startSentence } from '../electron/wording/sentence.ts'
import { judgeState, needsSetUp } from '../electron/wording/state-words.ts'
import { chooseMainAction, wasStartRefused } from './judgement.ts'
import { sampleStates } from './test-support/sample-states.ts'

const say = (state: AppState) => {
  const { word, sentence } = judgeState(state)
  return { word, sentence: startSentence(sentence) }
}

describe('the judgement', () => {
  test.each([
    ['idle', 'Ready', '4 slots free, a new agent starts at once'],
    ['busy', 'Ready', '1 slot free, a new agent starts at once'],
    ['full', 'Full', 'All 4 busy: a fifth agent waits its turn'],
    ['queue', 'Full', 'All 4 busy: a new agent waits behind 2 others'],
    ['stopped', 'Stopped', 'No agent gets answers until you start the stack'],
    ['firstRunRefused', 'Stopped', 'No agent gets answers until you start the stack'],
    ['starting', 'Starting', 'AI Engine: Loading model'],
    ['proving', 'Starting', 'Waiting for a first answer through the Router'],
    ['stopping', 'Stopping', 'Waiting for 3 agents to finish'],
    ['degraded', 'Degraded', 'AI Engine may not answer'],
    ['unproved', 'Degraded', 'A Claude request was not answered'],
    ['noRamDisk', 'Degraded', '1 slot free, a new agent starts at once; no RAM disk for builds'],
    ['failed', 'Failed', 'AI Engine failed: no agent gets answers'],
    ['connecting', 'Connecting', 'Waiting for the core to answer'],
    ['lost', 'No core', 'The core ended (pid 812). It is looked for again.'],
    ['firstRun', 'Welcome', '3 parts to install, then the stack starts'],
    ['firstRunProgress', 'Setting up', 'Installing the missing parts'],
    ['firstRunFailed', 'Set-up failed', 'Nothing was started; you can try again'],
    ['nodes', 'Ready', '3 slots free, a new agent starts at once'],
  ] as const)('%s', (name, word, sentence) => {
    expect(say(sampleStates[name])).toEqual({ word, sentence })
  })

  test('nothing is claimed of slots that are not known', () => {
    const state: AppState = { ...sampleStates.busy, snapshot: { ...sampleStates.busy.snapshot, slots: null } }
    expect(say(state).sentence).toContain('not known')
  })

  test('free slots are no promise while a request waits for room in the pool', () => {
    const { queue, busy } = sampleStates
    const waiting = queue.snapshot.requests?.filter(({ phase }) => phase === 'waiting') ?? []
    const requests = [...(busy.snapshot.requests ?? []), ...waiting]
    const snapshot = { ...queue.snapshot, slots: busy.snapshot.slots, requests }
    expect(say({ ...sampleStates.queue, snapshot })).toEqual({
      word: 'Full',
      sentence: '1 slot free but no room: a new agent waits behind 2 others',
    })
  })

  test('an idle slot of llama-server is not free once the Router let a request through to it', () => {
    const snapshot = { ...sampleStates.queue.snapshot, slots: sampleStates.idle.snapshot.slots }
    expect(say({ ...sampleStates.queue, snapshot }).sentence).toBe(
      'All 4 busy: a new agent waits behind 2 others',
    )
    const admitted = sampleStates.full.snapshot
    const late = { ...admitted, slots: sampleStates.busy.snapshot.slots }
    expect(say({ ...sampleStates.full, snapshot: late }).sentence).toBe(
      'All 4 busy: a fifth agent waits its turn',
    )
  })

  test('llama-server’s own queue counts where the Router does not say who waits', () => {
    const snapshot = {
      ...sampleStates.full.snapshot,
      requests: null,
      queue: { processing: 4, deferred: 1 },
    }
    expect(say({ ...sampleStates.full, snapshot }).sentence).toBe(
      'All 4 busy: a new agent waits behind 1 other',
    )
  })

  test('one slot, and more slots than there are words for', () => {
    const full = sampleStates.full.snapshot
    const one = { ...full, slots: full.slots?.slice(0, 1) ?? [] }
    expect(say({ ...sampleStates.full, snapshot: one }).sentence).toBe(
      'The one slot is busy: a second agent waits its turn',
    )
    const many = { ...full, slots: Array.from({ length: 64 }, () => one.slots).flat() }
    expect(say({ ...sampleStates.full, snapshot: many }).sentence).toBe(
      'All 64 busy: one more agent waits its turn',
    )
  })
})

test.each([
  ['stopped', 'start'],
  ['failed', 'start'],
  ['starting', 'cancel-start'],
  ['busy', 'stop'],
  ['degraded', 'stop'],
  ['stopping', 'stop-now'],
  ['firstRun', 'set-up'],
  ['firstRunProgress', 'cancel-set-up'],
  ['firstRunFailed', 'set-up'],
  ['connecting', 'none'],
  ['lost', 'none'],
] as const)('the big button of %s is %s', (name, action) => {
  expect(chooseMainAction(sampleStates[name])).toBe(action)
})

const { firstRun, firstRunProgress, firstRunFailed, firstRunRefused, firstRunTrouble, busy } = sampleStates

// The guided page is for what is missing; a start that was refused after it is not set up again.
test.each([
  ['something is missing', firstRun, true, false],
  ['it is being installed', firstRunProgress, true, false],
  ['that failed', firstRunFailed, true, false],
  ['something is missing and a port is taken', firstRunTrouble, true, false],
  ['nothing is missing, and the plan says why it was refused', firstRunRefused, false, false],
  ['all is well', busy, false, false],
] as const)('%s', (_, { snapshot }, toDo, refused) => {
  expect(needsSetUp(snapshot)).toBe(toDo)
  expect(wasStartRefused(snapshot)).toBe(refused)
})

test('a refusal that the plan does not show is said', () => {
  expect(wasStartRefused({ ...firstRunRefused.snapshot, memoryMap: null })).toBe(true)
})

// Who is asked before agents are interrupted, and in which words.
import { expect, it } from 'vitest'
import { appState, snapshotAt as at } from '../contract/test-support/sample-app-state.ts'
import { describeInterruption, interrupts } from './confirm-stop.ts'

it('asks before stopping another user’s stack, even an idle one', () => {
  const link = { kind: 'attached', pid: 12, user: 'ann' } as const
  expect(describeInterruption(appState(at(0)))).toBeNull()
  expect(describeInterruption(appState(at(0), { link: { ...link, user: null } }))).toBeNull()
  expect(describeInterruption(appState(at(0), { link }))).toBe('This is ann’s stack.')
  expect(describeInterruption(appState(at(1), { link }))).toBe(
    'This is ann’s stack. 1 agent is being answered.',
  )
})

it('asks before what interrupts, and before nothing else', () => {
  const stop = { type: 'stop', eject: false, now: false, force: false } as const
  expect(interrupts({ ...stop, only: null })).toBe(true)
  expect(interrupts({ type: 'restart', only: 'proxy' })).toBe(true)
  expect(interrupts({ ...stop, only: 'ramDisk' })).toBe(false)
  expect(interrupts({ type: 'start', only: null, profile: null, force: false })).toBe(false)
})

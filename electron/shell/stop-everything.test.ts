// Stopping before the app quits: done when the snapshot says so.
import { expect, it } from 'vitest'
import type { Command, Outcome } from '../contract/command.ts'
import { appState } from '../contract/test-support/sample-app-state.ts'
import { sampleSnapshot } from '../contract/test-support/sample-snapshot.ts'
import { createAppState } from './feeds.ts'
import { servicesRun, stopEverything } from './stop-everything.ts'

const stoppedServices = {
  ...sampleSnapshot.services,
  llamaServer: { ...sampleSnapshot.services.llamaServer, phase: 'stopped' },
  proxy: { ...sampleSnapshot.services.proxy, phase: 'stopped' },
} as const

const setUp = (background = false, outcome: Outcome = { accepted: true }, deadlineMs = 5_000) => {
  const state = createAppState(appState({ owner: { ...sampleSnapshot.owner, background } }))
  const commands: Command[] = []
  const answer = stopEverything({
    state,
    dispatch: async (command) => {
      commands.push(command)
      return outcome
    },
    deadlineMs,
  })
  return { state, commands, answer }
}

it('knows whether there is anything to stop', () => {
  expect(servicesRun(appState({}))).toBe(true)
  expect(servicesRun(appState({ services: stoppedServices }))).toBe(false)
  expect(servicesRun(appState(null))).toBe(false)
  const failed = (pid: number | null) => ({
    ...stoppedServices,
    llamaServer: { ...stoppedServices.llamaServer, phase: 'failed' as const, pid },
  })
  expect(servicesRun(appState({ services: failed(null) }))).toBe(false)
  expect(servicesRun(appState({ services: failed(77) }))).toBe(true)
})

it('waits until both servers have stopped; the RAM disk stays', async () => {
  const { state, commands, answer } = setUp()
  state.update(appState({ overall: 'stopping' }))
  state.update(appState({ services: stoppedServices }))
  expect(await answer).toBeNull()
  expect(commands).toEqual([{ type: 'stop', only: null, eject: false, now: false, force: false }])
})

it('says why it was refused', async () => {
  expect(await setUp(false, { accepted: false, reason: 'a proof runs' }).answer).toBe('a proof runs')
})

it('does not wait for ever', async () => {
  expect(await setUp(false, { accepted: true }, 20).answer).toBe('not everything stopped in time')
})

it('takes the end of a core that ends with its services for what it is', async () => {
  const gone = appState(null, { link: { kind: 'lost', reason: 'gone' } })
  const background = setUp(true)
  background.state.update(gone)
  expect(await background.answer).toBeNull()
  const other = setUp(false)
  await Promise.resolve()
  other.state.update(gone)
  expect(await other.answer).toBe('the core went away before everything had stopped')
})

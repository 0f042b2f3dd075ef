// What a step takes for its own; what the steps do to a real stack is seen in e2e/claude-code.e2e.ts.
import { expect, it } from 'vitest'
import type { RouterRequest, Snapshot } from '../../contract.ts'
import { sampleSnapshot } from '../sample-snapshot.ts'
import { readClaudeAnswer } from './claude-events.ts'
import type { TryStack } from './try-step.ts'
import { trySteps } from './try-steps.ts'

it('restarts the Router only when its own request is served, not for what the step before has left there', async () => {
  const began = Date.now()
  const request = (changes: Partial<RouterRequest>): RouterRequest => ({
    id: 'r',
    developer: 'user1',
    phase: 'prefill',
    startedAt: began + 60_000,
    admittedAt: began + 60_000,
    firstTokenAt: null,
    promptTokens: null,
    outputTokens: null,
    node: null,
    ...changes,
  })
  const at = (seconds: number, requests: RouterRequest[]): Snapshot => ({
    ...sampleSnapshot,
    takenAt: began + seconds * 1_000,
    requests,
  })
  const own = request({})
  const snapshots = [
    at(-1, [own]),
    at(60, [request({ startedAt: began - 5_000, admittedAt: began - 5_000 })]),
    at(61, [request({ developer: 'user2' })]),
    at(62, [request({ phase: 'waiting', admittedAt: null })]),
    at(63, [own]),
  ]
  let looked = 0
  let restartedAfter: number | null = null
  const home = { configDir: '', homeDir: '', projectDir: '' }
  const stack: TryStack = {
    developers: [{ name: 'user1', home }],
    stranger: home,
    limits: { contextTokens: 4_096, maxOutputTokens: 512, compactAtTokens: null },
    slots: 4,
    another: () => home,
    ask: async () => ({ ...readClaudeAnswer([]), exitCode: 0, timedOut: false, complaint: '' }),
    watch: () => () => {},
    until: async (fits) => {
      const found = snapshots.slice(looked).findIndex(fits)
      looked = found < 0 ? snapshots.length : looked + found + 1
      return found < 0 ? null : (snapshots[looked - 1] ?? null)
    },
    restartRouter: async () => {
      restartedAfter = looked
      return 'enough seen'
    },
  }
  const step = trySteps.find(({ id }) => id === 'router-restarts')
  expect(await step?.run(stack)).toEqual({ state: 'failed', seen: 'enough seen' })
  expect(restartedAfter).toBe(snapshots.length)
})

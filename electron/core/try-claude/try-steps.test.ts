// What a step takes for its own; what the steps do to a real stack is seen in e2e/claude-code.e2e.ts.
import { expect, it } from 'vitest'
import type { RouterRequest, Snapshot } from '../../contract/snapshot.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import { readClaudeAnswer } from './claude-events.ts'
import type { TryStack } from './try-step.ts'
import { trySteps } from './try-steps.ts'

const home = { configDir: '', homeDir: '', projectDir: '' }

it('reports at once what a client said that ended without a request', async () => {
  // As 2.1.332 ends when it takes a prompt to be too long for the slot (recorded, cut to what is read).
  const refused =
    '{"type":"result","subtype":"success","is_error":true,"api_error_status":null,"duration_ms":812,"num_turns":1,"result":"Prompt is too long","stop_reason":"stop_sequence","usage":{"input_tokens":0,"output_tokens":0},"modelUsage":{}}'
  const stack: TryStack = {
    developers: [{ name: 'user1', home }],
    stranger: home,
    limits: { contextTokens: 5_120, maxOutputTokens: 1_024, compactAtTokens: null },
    slots: 4,
    another: () => home,
    worker: async () => ({ home, isForced: false, end: async () => {} }),
    keepTranscript: () => '',
    ask: async () => ({
      ...readClaudeAnswer([refused]),
      lines: [],
      exitCode: 1,
      timedOut: false,
      complaint: '',
    }),
    watch: () => () => {},
    // No snapshot ever fits: only the client's end can end the wait.
    until: (_fits, _timeoutMs, noLonger) =>
      new Promise((resolve) => noLonger?.addEventListener('abort', () => resolve(null))),
    restartRouter: async () => 'must not be asked',
  }
  const step = trySteps.find(({ id }) => id === 'router-restarts')
  expect(await step?.run(stack)).toEqual({
    state: 'failed',
    seen: 'its client ended before its request was seen at the Router: Prompt is too long',
  })
})

it('restarts the Router only when its own request is served, not for one left by the step before', async () => {
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
  const stack: TryStack = {
    developers: [{ name: 'user1', home }],
    stranger: home,
    limits: { contextTokens: 4_096, maxOutputTokens: 512, compactAtTokens: null },
    slots: 4,
    another: () => home,
    worker: async () => ({ home, isForced: false, end: async () => {} }),
    keepTranscript: () => '',
    ask: async () => ({ ...readClaudeAnswer([]), lines: [], exitCode: 0, timedOut: false, complaint: '' }),
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

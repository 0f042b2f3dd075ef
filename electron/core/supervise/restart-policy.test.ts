// Backoff and giving up.
import { describe, expect, it } from 'vitest'
import { createCrashRecord, decideRestart, defaultRestartPolicy } from './restart-policy.ts'

const decide = (crashTimesMs: number[], nowMs: number, random = 0) =>
  decideRestart(defaultRestartPolicy, crashTimesMs, nowMs, () => random)

describe('decideRestart', () => {
  it('restarts almost at once after the first crash', () => {
    expect(decide([1_000], 1_000)).toEqual({ kind: 'restart', delayMs: 50 })
  })

  it('waits twice as long each time, with jitter on top', () => {
    expect(decide([0, 1, 2], 3)).toEqual({ kind: 'restart', delayMs: 2_000 })
    expect(decide([0, 1, 2, 3], 3)).toEqual({ kind: 'restart', delayMs: 4_000 })
    expect(decide([0, 1, 2], 3, 1)).toEqual({ kind: 'restart', delayMs: 2_400 })
  })

  it('gives up at the fifth crash in ten minutes', () => {
    expect(decide([0, 1, 2, 3, 4], 4)).toEqual({ kind: 'give-up', crashes: 5, windowMs: 600_000 })
  })

  it('forgets crashes that are ten minutes old', () => {
    expect(decide([0, 1, 2, 3, 600_100], 600_100)).toEqual({ kind: 'restart', delayMs: 50 })
  })
})

describe('the record of crashes', () => {
  const crash = { reason: 'ended with 1', permanent: false }

  it('counts restarts, says why it gave up, and forgets when the user starts again', () => {
    const record = createCrashRecord(
      defaultRestartPolicy,
      () => 1_000,
      () => 0,
    )
    const delays = [1, 2, 3, 4].map(() => record.add(crash))
    expect(delays).toEqual([50, 1_000, 2_000, 4_000].map((delayMs) => ({ kind: 'restart', delayMs })))
    expect(record.add(crash)).toEqual({
      kind: 'fail',
      reason: 'gave up after 5 crashes in 10 minutes: ended with 1',
    })
    expect(record.restarts()).toBe(4)
    record.forget()
    expect(record.restarts()).toBe(0)
    expect(record.add(crash)).toEqual({ kind: 'restart', delayMs: 50 })
  })

  it('never restarts after an exit that a retry cannot help', () => {
    const record = createCrashRecord(
      defaultRestartPolicy,
      () => 1_000,
      () => 0,
    )
    expect(record.add({ ...crash, permanent: true })).toEqual({ kind: 'fail', reason: 'ended with 1' })
    expect(record.restarts()).toBe(0)
  })
})

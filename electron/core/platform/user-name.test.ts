// Names of the users of this machine, and of one that it does not have.
import { execFile } from 'node:child_process'
import { afterEach, expect, it, vi } from 'vitest'
import { readOwnUid, readOwnUserName, readUserName } from './user-name.ts'

vi.mock('node:child_process', { spy: true })

afterEach(() => {
  vi.useRealTimers()
  vi.mocked(execFile).mockClear()
})

it('names the user of this process, and asks only once', async () => {
  for (const _ of [1, 2]) expect(await readUserName(readOwnUid())).toBe(readOwnUserName())
  expect(execFile).toHaveBeenCalledTimes(1)
})

it('shows the id of a user without a name, and asks again after a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  for (const _ of [1, 2]) expect(await readUserName(2_000_000_123)).toBe('2000000123')
  expect(execFile).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(60_000)
  expect(await readUserName(2_000_000_123)).toBe('2000000123')
  expect(execFile).toHaveBeenCalledTimes(2)
})

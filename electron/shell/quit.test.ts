// How the app ends: asked by a person, or at once.
import { expect, it, vi } from 'vitest'
import { createQuit, type QuitParts } from './quit.ts'

const setUp = (answer: 'leave' | 'stop' | 'cancel', change: Partial<QuitParts> = {}) => {
  const done: string[] = []
  let exited = () => {}
  const exit = new Promise<void>((resolve) => {
    exited = resolve
  })
  const parts: QuitParts = {
    anythingRuns: () => true,
    ask: async () => {
      done.push('ask')
      return answer
    },
    stopEverything: async () => {
      done.push('stop')
      return null
    },
    tell: (reason) => done.push(`tell ${reason}`),
    letGo: async () => {
      done.push('let go')
    },
    exit: () => {
      done.push('exit')
      exited()
    },
    ...change,
  }
  return { quit: createQuit(parts), done, exit }
}

it('asks once, however often it is asked to quit, and leaves everything running', async () => {
  const { quit, done, exit } = setUp('leave')
  quit.request()
  quit.request()
  await exit
  quit.request()
  expect(done).toEqual(['ask', 'let go', 'exit'])
})

it('stops everything before it goes when told to', async () => {
  const { quit, done, exit } = setUp('stop')
  quit.request()
  await exit
  expect(done).toEqual(['ask', 'stop', 'let go', 'exit'])
})

it('stays when the person thinks better of it, and asks anew the next time', async () => {
  const { quit, done } = setUp('cancel')
  quit.request()
  await new Promise(setImmediate)
  expect(done).toEqual(['ask'])
  quit.request()
  await new Promise(setImmediate)
  expect(done).toEqual(['ask', 'ask'])
})

it('stays and says why when not everything stopped', async () => {
  const { quit, done } = setUp('stop', { stopEverything: async () => 'the Router is still there' })
  quit.request()
  await vi.waitFor(() => expect(done).toEqual(['ask', 'tell the Router is still there']))
})

it('does not ask when nothing runs', async () => {
  const { quit, done, exit } = setUp('stop', { anythingRuns: () => false })
  quit.request()
  await exit
  expect(done).toEqual(['let go', 'exit'])
})

it('goes at once for the system, also while the question stands, and once only', async () => {
  const { quit, done, exit } = setUp('leave', { ask: () => new Promise(() => {}) })
  quit.request()
  quit.atOnce()
  quit.atOnce()
  await exit
  expect(done).toEqual(['let go', 'exit'])
})

it('exits by its deadline when the core does not let go', async () => {
  vi.useFakeTimers()
  const { quit, done } = setUp('leave', { letGo: () => new Promise(() => {}) })
  quit.atOnce()
  await vi.advanceTimersByTimeAsync(2_900)
  expect(done).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(done).toEqual(['exit'])
  vi.useRealTimers()
})

it('exits also when letting go fails', async () => {
  const { quit, done, exit } = setUp('leave', { letGo: () => Promise.reject(new Error('socket')) })
  quit.atOnce()
  await exit
  expect(done).toEqual(['exit'])
})

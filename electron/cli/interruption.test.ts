import { expect, it } from 'vitest'
import { createInterruption } from './interruption.ts'

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('hears %s until its end, as often as it comes', (name) => {
  const before = process.listenerCount(name)
  const interruption = createInterruption('the try was interrupted')
  expect(process.listenerCount(name)).toBe(before + 1)
  process.emit(name)
  process.emit(name)
  expect(interruption.signal.reason).toEqual(new Error('the try was interrupted'))
  interruption.end()
  expect(process.listenerCount(name)).toBe(before)
})

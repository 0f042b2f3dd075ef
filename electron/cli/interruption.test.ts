import { expect, it } from 'vitest'
import { createInterruption } from './interruption.ts'

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'handles %s until its end, however often it comes',
  (name) => {
    const before = process.listenerCount(name)
    const interruption = createInterruption('the try was interrupted', { onOutputLost: () => () => {} })
    expect(process.listenerCount(name)).toBe(before + 1)
    process.emit(name)
    process.emit(name)
    expect(interruption.signal.reason).toEqual(new Error('the try was interrupted'))
    interruption.end()
    expect(process.listenerCount(name)).toBe(before)
  },
)

it('aborts when the reader of the output goes away', () => {
  const listeners = new Set<() => void>()
  const onOutputLost = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  const interruption = createInterruption('the bench was interrupted', { onOutputLost })
  for (const listener of listeners) listener()
  expect(interruption.signal.aborted).toBe(true)
  interruption.end()
  expect(listeners.size).toBe(0)
})

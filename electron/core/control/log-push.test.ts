// Log lines for one client: bounded messages, and nothing held for one that does not read.
import { expect, it } from 'vitest'
import { createLogPush, leftOutLine, maxMessageCharacters } from './log-push.ts'

const setUp = () => {
  const sent: (readonly string[])[] = []
  const world = { unread: 0 }
  const push = createLogPush(
    () => world.unread,
    (lines) => sent.push(lines),
  )
  return { sent, world, push }
}

it('sends what comes', () => {
  const { sent, push } = setUp()
  push(['a', 'b'])
  push([])
  expect(sent).toEqual([['a', 'b']])
})

it('cuts a large piece into messages, and loses no line', () => {
  const { sent, push } = setUp()
  const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${'"'.repeat(index % 400)}`)
  push(lines)
  expect(sent.length).toBeGreaterThan(1)
  expect(sent.flat()).toEqual(lines)
  for (const message of sent)
    expect(JSON.stringify(message).length).toBeLessThanOrEqual(maxMessageCharacters + 2)
})

it('leaves lines out for a reader that does not keep up, and says how many', () => {
  const { sent, world, push } = setUp()
  push(['read'])
  world.unread = 1_000_000
  push(['missed'])
  push(['missed', 'missed too'])
  expect(sent).toEqual([['read']])
  world.unread = 0
  push(['read again'])
  push(['and on'])
  expect(sent).toEqual([['read'], [leftOutLine(3), 'read again'], ['and on']])
})

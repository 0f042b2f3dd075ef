// The kept lines of a log: bounded, in order, filtered by words.
import { expect, test } from 'vitest'
import { appendLines, filterLines, joinTail, judgeLine, mostLogLines } from './log-lines.ts'

test('the oldest go when there are too many, and lines keep their ids', () => {
  const many = appendLines(
    [],
    Array.from({ length: mostLogLines }, (_, index) => `line ${index}`),
  )
  const more = appendLines(many, ['one', 'two'])
  expect(more).toHaveLength(mostLogLines)
  expect(more[0]).toEqual({ id: 2, text: 'line 2' })
  expect(more[more.length - 1]).toEqual({ id: mostLogLines + 1, text: 'two' })
})

test.each([
  [['a', 'b'], ['c'], ['a', 'b', 'c']],
  [
    ['a', 'b', 'c'],
    ['b', 'c', 'd'],
    ['a', 'b', 'c', 'd'],
  ],
  [
    ['retry', 'ok'],
    ['retry', 'ok', 'retry'],
    ['retry', 'ok', 'retry'],
  ],
  // Written again, and not the end of the tail: no line of both.
  [['retry', 'failed'], ['retry'], ['retry', 'failed', 'retry']],
  [[], ['a'], ['a']],
  [['a'], [], ['a']],
])('the tail %j, then %j', (tail, followed, all) => {
  expect(joinTail(tail, followed)).toEqual(all)
})

test('every word of the filter, whatever its case and order', () => {
  const lines = appendLines([], ['slot 3 released', 'Slot 2 took 31k', 'done'])
  expect(filterLines(lines, '  RELEASED slot ').map(({ text }) => text)).toEqual(['slot 3 released'])
  expect(filterLines(lines, ' ')).toBe(lines)
})

test.each([
  ['0.00.302.113 E gguf_init_from_file: failed', 'error'],
  ['0.00.302.113 W srv: odd', 'warning'],
  ['0.00.302.113 I srv: no Errors', 'plain'],
  ['12:00:01 - LiteLLM:ERROR: proxy_server.py:1', 'error'],
  ['Traceback (most recent call last):', 'error'],
] as const)('%s', (text, level) => {
  expect(judgeLine(text)).toBe(level)
})

test('what a line would have a terminal or a reader do is shown instead', () => {
  const [line] = appendLines(
    [],
    ['\u001b[92mINFO\u001b[0m grammar \u001b]52;c;ZXZpbA==\u0007 \u202eevil \u009b2J'],
  )
  expect(line?.text).toBe('INFO grammar ␛]52;c;ZXZpbA==␇ \\u202eevil \\u009b2J')
})

// Documents that would overflow a stack, a number or an object, and numbers that are none.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { maxJsonDepth, parseBoundedJson } from './bounded-json.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

it('accepts the maximum depth, and refuses one more level with its place', () => {
  expect(JSON.stringify(parseBoundedJson(nested(maxJsonDepth)))).toBe(nested(maxJsonDepth))
  expect(() => parseBoundedJson(nested(maxJsonDepth + 1))).toThrow(
    'nested deeper than 100 levels, at character 101',
  )
  expect(() => parseBoundedJson('{"a":'.repeat(200_000))).toThrow('nested deeper than 100 levels')
})

it('does not count brackets in strings, nor those of neighbours', () => {
  const text = JSON.stringify({ a: '['.repeat(1_000), 'b"[': '\\[{'.repeat(500), c: [[], [], {}] })
  expect(parseBoundedJson(text)).toEqual(JSON.parse(text))
  expect(parseBoundedJson(`[${'[],'.repeat(1_000)}[]]`)).toHaveLength(1_001)
})

it('takes no number that is none any more', () => {
  expect(z.number().safeParse(parseBoundedJson('1e999')).success).toBe(false)
})

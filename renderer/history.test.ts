// The history as it arrives: the whole, then sample by sample, and anew after a break.
import { expect, test } from 'vitest'
import { historyLength, historyStepMs } from '../electron/contract/history.ts'
import { extendHistory } from './history.ts'
import { sampleHistory } from './test-support/sample-history.ts'

const [first] = sampleHistory
if (first === undefined) throw new Error('the sample history has samples')
const last = sampleHistory[sampleHistory.length - 1] ?? first
const next = { ...last, at: last.at + historyStepMs }

test('the next sample pushes the oldest out', () => {
  const extended = extendHistory(sampleHistory, [next])
  expect(extended).toHaveLength(historyLength)
  expect(extended[0]).toBe(sampleHistory[1])
  expect(extended[historyLength - 1]).toBe(next)
})

test('the same sample again changes nothing, the whole replaces', () => {
  expect(extendHistory(sampleHistory, [last])).toBe(sampleHistory)
  expect(extendHistory(sampleHistory, [])).toEqual([])
  expect(extendHistory([], [next])).toEqual([next])
})

test('after a break, or from a clock that went back, it begins anew', () => {
  const later = { ...last, at: last.at + 60_000 }
  expect(extendHistory(sampleHistory, [later])).toEqual([later])
  expect(extendHistory(sampleHistory, [first])).toEqual([first])
})

import { describe, expect, it } from 'vitest'
import { addCounts, parsePytestSummary, parseVitestReport, withExitStatus } from './test-counts.ts'

const file = (status: string, ...tests: readonly string[]) => ({
  name: '/x.test.ts',
  status,
  message: status === 'failed' ? 'Cannot find module\n  at x' : '',
  assertionResults: tests.map((test) => ({
    status: test,
    fullName: 'made up',
    failureMessages: test === 'failed' ? ['Error: 1 is not 2\n    at y'] : [],
  })),
})
const report = (...testResults: readonly unknown[]) => JSON.stringify({ numTotalTests: 99, testResults })

describe('parseVitestReport', () => {
  it('counts tests, and a file that would not load as a failure', () => {
    const text = report(
      file('passed', 'passed', 'passed', 'pending', 'todo'),
      file('failed', 'failed', 'passed'),
      file('failed'),
    )
    expect(parseVitestReport(text)).toEqual({
      passed: 3,
      failed: 2,
      skipped: 2,
      failures: ['/x.test.ts: made up: Error: 1 is not 2', '/x.test.ts: Cannot find module'],
    })
  })

  it('counts a failed file whose tests passed (a failing hook)', () => {
    expect(parseVitestReport(report(file('failed', 'passed')))).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
      failures: ['/x.test.ts: Cannot find module'],
    })
  })

  it.each(['', '{', '{}', '[]', '{"testResults":[{}]}'])('is null for "%s"', (text) => {
    expect(parseVitestReport(text)).toBeNull()
  })
})

describe('parsePytestSummary', () => {
  it.each([
    ['3 passed in 0.12s', { passed: 3, failed: 0, skipped: 0 }],
    [
      '..F\n=== 1 failed, 12 passed, 2 skipped, 1 warning in 3.40s ===\n',
      { passed: 12, failed: 1, skipped: 2 },
    ],
    ['2 passed, 1 error in 1.00s', { passed: 2, failed: 1, skipped: 0 }],
    ['1 failed, 2 errors in 61.00s (0:01:01)', { passed: 0, failed: 3, skipped: 0 }],
    ['no tests ran in 0.01s', { passed: 0, failed: 0, skipped: 0 }],
  ])('%s', (output, counts) => {
    expect(parsePytestSummary(output)).toEqual({ ...counts, failures: [] })
  })

  it('names what failed', () => {
    const output =
      'FAILED tests/test_a.py::test_b - assert 1 == 2\nERROR tests/test_c.py\n1 failed, 1 error in 1.0s\n'
    expect(parsePytestSummary(output)?.failures).toEqual([
      'FAILED tests/test_a.py::test_b - assert 1 == 2',
      'ERROR tests/test_c.py',
    ])
  })

  it('is null when pytest did not get so far', () => {
    expect(parsePytestSummary('No module named pytest')).toBeNull()
  })
})

describe('withExitStatus', () => {
  const passed = { passed: 2, failed: 0, skipped: 0, failures: [] }
  it('never calls a broken run a success', () => {
    expect(withExitStatus(passed, true)).toEqual(passed)
    expect(withExitStatus(passed, false).failed).toBe(1)
    expect(withExitStatus(null, true).failed).toBe(1)
    expect(withExitStatus({ ...passed, failed: 3 }, false).failed).toBe(3)
  })
})

describe('addCounts', () => {
  it('adds', () => {
    expect(
      addCounts(
        { passed: 1, failed: 2, skipped: 3, failures: ['a'] },
        { passed: 10, failed: 20, skipped: 30, failures: ['b'] },
      ),
    ).toEqual({ passed: 11, failed: 22, skipped: 33, failures: ['a', 'b'] })
  })
})

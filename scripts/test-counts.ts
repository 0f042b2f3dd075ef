// Reads the test runners' reports: counts and failed tests.
import { z } from 'zod'
import { parseJsonOrNull } from '../electron/core/base/json-record.ts'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Failed tests by name, each with the first line of its reason, for the end of a run. */
  readonly failures: readonly string[]
}

export const noTests: TestCounts = { passed: 0, failed: 0, skipped: 0, failures: [] }

export const addCounts = (left: TestCounts, right: TestCounts): TestCounts => ({
  passed: left.passed + right.passed,
  failed: left.failed + right.failed,
  skipped: left.skipped + right.skipped,
  failures: [...left.failures, ...right.failures],
})

const VitestReportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

/** vitest's JSON report. A file that failed to load counts as one failure; null: not such a report. */
export const parseVitestReport = (text: string): TestCounts | null => {
  const report = VitestReportSchema.safeParse(parseJsonOrNull(text))
  if (!report.success) return null
  const files = report.data.testResults
  const statuses = files.flatMap((file) => file.assertionResults.map((test) => test.status))
  const count = (status: string) => statuses.filter((found) => found === status).length
  const failures = files.flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed')
    if (failed.length === 0)
      return file.status === 'failed' ? [`${file.name}: ${firstLine(file.message)}`] : []
    return failed.map((test) => `${file.name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`)
  })
  const passed = count('passed')
  return {
    passed,
    failed: failures.length,
    skipped: statuses.length - passed - count('failed'),
    failures,
  }
}

const firstLine = (text: string | undefined): string => text?.trim().split('\n', 1)[0] ?? ''

/** pytest's last line, such as `2 failed, 3 passed, 1 skipped in 0.12s`; null: none. */
export const parsePytestSummary = (output: string): TestCounts | null => {
  const lines = output.split('\n')
  const summary = lines.findLast(
    (line) => / in \d+(\.\d+)?s/.test(line) && /\d+ (passed|failed|errors?|skipped)|no tests ran/.test(line),
  )
  if (summary === undefined) return null
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}\\b`).exec(summary)?.[1] ?? 0)
  return {
    passed: count('passed'),
    failed: count('failed') + count('errors?'),
    skipped: count('skipped') + count('xfailed'),
    // pytest's short summary names them: `FAILED path::test - reason`.
    failures: lines.filter((line) => /^(FAILED|ERROR) \S+/.test(line)),
  }
}

/** A runner with a bad exit code has failed even without naming a failed test. */
export const withExitStatus = (counts: TestCounts | null, succeeded: boolean): TestCounts => {
  const known = counts ?? noTests
  const mustFail = !succeeded || counts === null
  return mustFail && known.failed === 0 ? { ...known, failed: 1 } : known
}

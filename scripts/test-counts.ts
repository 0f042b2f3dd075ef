// Reads what the test runners wrote about how many tests passed and failed.
import { z } from 'zod'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const noTests: TestCounts = { passed: 0, failed: 0, skipped: 0 }

export const addCounts = (left: TestCounts, right: TestCounts): TestCounts => ({
  passed: left.passed + right.passed,
  failed: left.failed + right.failed,
  skipped: left.skipped + right.skipped,
})

const VitestReportSchema = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
})

/** vitest's JSON report. A file that could not even be loaded counts as one failure; null when this is no such report. */
export const parseVitestReport = (text: string): TestCounts | null => {
  const report = VitestReportSchema.safeParse(parseJson(text))
  if (!report.success) return null
  const files = report.data.testResults
  const statuses = files.flatMap((file) => file.assertionResults.map((test) => test.status))
  const count = (status: string) => statuses.filter((found) => found === status).length
  const brokenFiles = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  const passed = count('passed')
  const failed = count('failed')
  return { passed, failed: failed + brokenFiles, skipped: statuses.length - passed - failed }
}

/** pytest's last line, such as `2 failed, 3 passed, 1 skipped in 0.12s`; null when there is none. */
export const parsePytestSummary = (output: string): TestCounts | null => {
  const summary = output
    .split('\n')
    .findLast(
      (line) =>
        / in \d+(\.\d+)?s/.test(line) && /\d+ (passed|failed|errors?|skipped)|no tests ran/.test(line),
    )
  if (summary === undefined) return null
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}\\b`).exec(summary)?.[1] ?? 0)
  return {
    passed: count('passed'),
    failed: count('failed') + count('errors?'),
    skipped: count('skipped') + count('xfailed'),
  }
}

/** A runner that ended badly without naming a failed test has failed all the same. */
export const withExitStatus = (counts: TestCounts | null, succeeded: boolean): TestCounts => {
  const known = counts ?? noTests
  const mustFail = !succeeded || counts === null
  return mustFail && known.failed === 0 ? { ...known, failed: 1 } : known
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

// Mutants that no test can kill, because the changed program does the same. scripts/mutate counts them apart, and fails when one
// listed here is killed or gone.

export interface Equivalent {
  readonly file: string
  /** The line in which the change begins, without its indentation. */
  readonly code: string
  readonly from: string
  readonly to: string
  readonly reason: string
}

const steps = 'electron/core/supervise/steps.ts'

/** A value of a union in steps.ts where the code asks only for the other ones. */
const unasked = (code: string, value: string, reason: string): Equivalent => ({
  file: steps,
  code,
  from: `'${value}'`,
  to: '""',
  reason,
})

export const equivalents: readonly Equivalent[] = [
  ...[
    "return 'rest'",
    "if (run.closed) return 'rest'",
    "if (run.desired === 'down' || run.closed) return 'rest'",
    "return (await stop(step.running)) === 'ended' ? 'next' : 'rest'",
  ].map((code) => unasked(code, 'rest', "The loop asks only for 'next'.")),
  unasked("return 'still-there'", 'still-there', "The only reader asks for 'ended'."),
  // A launch is overtaken by an order or by close(), and the loop looks at both by itself.
  unasked(
    "case 'overtaken':",
    'overtaken',
    'The loop goes on after an order, and ends after close(), whatever this returns.',
  ),
  {
    file: steps,
    code: "case 'overtaken':",
    from: "case 'overtaken': return 'next'",
    to: "case 'overtaken':",
    reason: 'As above.',
  },
  {
    file: 'electron/core/supervise/ending.ts',
    code: 'let isUnderWay = false',
    from: 'false',
    to: 'true',
    reason: 'Until the first end the grace is new anyway, and that end sets it.',
  },
  {
    file: 'electron/core/supervise/supervisor.ts',
    code: 'let isOrdered = false',
    from: 'false',
    to: 'true',
    reason: 'The loop sets it before it asks.',
  },
  {
    file: 'electron/core/supervise/supervisor.ts',
    code: 'if (isEnding) ending.limitGrace(unfinishedGraceMs).unref()',
    from: 'isEnding',
    to: 'true',
    reason: 'A stop of an adopted process that should run gets a grace of its own.',
  },
  ...['let crashTimesMs: number[] = []', 'crashTimesMs = []'].map((code) => ({
    file: 'electron/core/supervise/restart-policy.ts',
    code,
    from: '[]',
    to: '["Stryker was here"]',
    reason: 'A word in place of a time is never within the window.',
  })),
  {
    file: 'electron/core/stack/stack.ts',
    code: 'count += 1',
    from: 'count += 1',
    to: 'count -= 1',
    reason: 'The count only has to differ after each order.',
  },
]

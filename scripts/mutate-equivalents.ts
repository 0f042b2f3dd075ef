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

export const equivalents: readonly Equivalent[] = [
  {
    file: 'electron/core/stack/stack.ts',
    code: 'count += 1',
    from: 'count += 1',
    to: 'count -= 1',
    reason: 'The count only has to differ after each order.',
  },
]

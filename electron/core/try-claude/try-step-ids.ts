// The steps of a try, in their order, by name.

export const tryStepIds = [
  'first-answer',
  'wrong-key',
  'two-developers',
  'uses-its-tools',
  'one-too-many',
  'outgrows-its-slot',
  'router-restarts',
] as const
export type TryStepId = (typeof tryStepIds)[number]

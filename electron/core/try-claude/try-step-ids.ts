// The ids of a try's steps, in order.

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

// The guided page is for what is missing; a start that was refused after it is not set up again.
import { expect, test } from 'vitest'
import { hasSetUpToDo, wasStartRefused } from './set-up-words.ts'
import { sampleStates } from './test-support/sample-states.ts'

const { firstRun, firstRunProgress, firstRunFailed, firstRunRefused, firstRunTrouble, busy } = sampleStates

test.each([
  ['something is missing', firstRun, true, false],
  ['it is being installed', firstRunProgress, true, false],
  ['that failed', firstRunFailed, true, false],
  ['something is missing and a port is taken', firstRunTrouble, true, false],
  ['nothing is missing, and the start was refused', firstRunRefused, false, true],
  ['all is well', busy, false, false],
] as const)('%s', (_, { snapshot }, toDo, refused) => {
  expect(hasSetUpToDo(snapshot)).toBe(toDo)
  expect(wasStartRefused(snapshot)).toBe(refused)
})

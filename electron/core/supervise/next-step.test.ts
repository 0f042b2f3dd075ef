// What a supervisor does next, for each pair of what is wanted and what runs.
import { expect, it } from 'vitest'
import { logBeginning } from '../logs/log-generations.ts'
import type { Running } from './launch.ts'
import { nextStep } from './next-step.ts'

const running: Running = {
  process: {
    identity: { pid: 4711, startedAt: '99@boot' },
    adopted: false,
    exited: new Promise(() => {}),
    doubt: () => {},
    release: () => {},
  },
  logMark: logBeginning,
  startedMs: 0,
}

it.each([
  ['up', null, false, { kind: 'launch' }],
  ['up', running, false, { kind: 'watch', running }],
  ['up', running, true, { kind: 'finish-stop', running }],
  ['down', null, false, { kind: 'stop', running: null }],
  ['down', running, false, { kind: 'stop', running }],
  ['down', running, true, { kind: 'stop', running }],
] as const)('%s with %j, doomed %s: %j', (desired, child, isDoomed, step) => {
  expect(nextStep({ desired, running: child, isDoomed })).toEqual(step)
})

// launchctl's answers by number, with the texts of recordings and public reports.
import { expect, it } from 'vitest'
import { explainLaunchctl, nameLaunchctlAnswer, noSession } from './exit-codes.ts'

const said = (exitCode: number, stderr = '') => ({ kind: 'exited', exitCode, stdout: '', stderr }) as const

it.each([
  [0, '', 'done', ''],
  [3, 'Boot-out failed: 3: No such process', 'no-such-process', 'there is no such job'],
  [5, 'Bootstrap failed: 5: Input/output error', 'refused', 'already loaded'],
  [36, 'Boot-out failed: 36: Operation now in progress', 'in-progress', 'still unloading'],
  [37, 'Bootstrap failed: 37: Operation already in progress', 'in-progress', 'still unloading'],
  [112, 'Bad request.\nCould not find domain for user gui: 501', 'no-domain', noSession],
  [125, 'Bootstrap failed: 125: Domain does not support specified action', 'no-domain', noSession],
  [113, 'Could not find domain for user gui: 501', 'no-domain', noSession],
  [64, 'Could not find service "x" in domain for system', 'not-loaded', 'not loaded'],
  [113, 'Could not find service "x" in domain for user gui: 501', 'not-loaded', 'not loaded'],
  [119, 'Bootstrap failed: 119: Service is disabled', 'disabled', 'launchctl enable gui/$UID/ai.opta.x'],
  [134, '', 'wrong-session', 'login session'],
  [64, 'Unrecognized target specifier.', 'other', 'Unrecognized'],
] as const)('%d: %s', (exitCode, stderr, name, words) => {
  expect(nameLaunchctlAnswer(said(exitCode, stderr))).toBe(name)
  expect(explainLaunchctl(said(exitCode, stderr), 'ai.opta.x')).toContain(words)
})

it('knows nothing of a launchctl that was not run', () => {
  const missing = { kind: 'not-run', reason: 'launchctl could not be run' } as const
  expect(nameLaunchctlAnswer(missing)).toBe('other')
  expect(explainLaunchctl(missing, 'x')).toBe('launchctl could not be run')
})

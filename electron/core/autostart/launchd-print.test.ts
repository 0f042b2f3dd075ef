// `launchctl print`, as recorded on several systems and as small samples of our own.
import { describe, expect, it } from 'vitest'
import { hasRecordings, readRecording } from '../platform/test-recordings.ts'
import { parseLaunchctlPrint } from './launchd-print.ts'

/** Made up, after the format of the recordings. */
const sample = (...lines: readonly string[]): string =>
  ['gui/501/ai.opta.nexus = {', ...lines.map((line) => `\t${line}`), '}', ''].join('\n')

describe('parseLaunchctlPrint', () => {
  it('reads only the lines of the job itself', () => {
    const output = sample(
      'path = /Users/ana/Library/LaunchAgents/ai.opta.nexus.plist',
      'state = running',
      'environment = {',
      '\tpid = 5',
      '}',
      'pid = 812',
      'last exit code = (never exited)',
      'resource coalition = {',
      '\tstate = active',
      '}',
    )
    expect(parseLaunchctlPrint(output)).toEqual({
      state: 'running',
      pid: 812,
      path: '/Users/ana/Library/LaunchAgents/ai.opta.nexus.plist',
      lastExit: null,
    })
  })

  it.each([
    ['last exit code = 0', 'exit status 0'],
    ['last exit code = 78: EX_CONFIG', 'exit status 78: EX_CONFIG'],
    ['last terminating signal = Terminated: 15', 'signal Terminated: 15'],
  ])('says how it last ended: %s', (line, lastExit) => {
    expect(parseLaunchctlPrint(sample('state = spawn scheduled', line))).toMatchObject({
      pid: null,
      lastExit,
    })
  })

  it.each(['', 'Bad request.\nCould not find service "x"\n', '\t\tstate = running\n', 'pid = 0'])(
    'is null for %j',
    (output) => {
      expect(parseLaunchctlPrint(output)).toBeNull()
    },
  )
})

describe.skipIf(!hasRecordings)('recorded launchctl print (skipped where the recordings are not)', () => {
  it.each([
    ['print-gui-running-keepalive-macos27.txt', 'running', 1076, null],
    ['print-gui-loaded-never-run-macos27.txt', 'not running', null, null],
    [
      'print-gui-spawn-scheduled-exconfig78-macos26.txt',
      'spawn scheduled',
      null,
      'exit status 78: EX_CONFIG',
    ],
    ['print-gui-submitted-running-last-exit-1-2026.txt', 'running', 28_474, 'exit status 1'],
    ['print-running-abbreviated-2026.txt', 'running', 85_245, 'signal Terminated: 15'],
    ['print-user503-not-running.txt', 'not running', null, 'exit status 0'],
    ['print-system-running-macos10.14-partial.txt', 'running', 1486, 'exit status 0'],
  ])('%s', (name, state, pid, lastExit) => {
    expect(parseLaunchctlPrint(readRecording(`launchctl/${name}`))).toMatchObject({
      state,
      pid,
      lastExit,
    })
  })

  it('is null for the answer about a job that is not loaded', () => {
    expect(parseLaunchctlPrint(readRecording('launchctl/print-not-loaded-gui-113.txt'))).toBeNull()
  })
})

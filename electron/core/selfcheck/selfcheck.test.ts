import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { RunCommand } from '../platform/run-command.ts'
import { SelfcheckReportSchema } from './report.ts'
import { runSelfcheck, type SelfcheckOptions } from './selfcheck.ts'
import { readSelfcheckRuns } from './selfcheck-record.ts'
import { createTestContext, exited } from './test-support/probes.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-selfcheck-'))
  process.env['NEXUS_TEST_SELFCHECK'] = mark.slice(mark.indexOf('=') + 1)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A Mac on which no command runs, except that launchctl knows no job and sw_vers prints the version. */
const brokenMac: RunCommand = async ([command, ...args]) => {
  if (command === 'launchctl') return exited('', 113, 'Could not find service\n')
  // Made up, in the format of the recordings.
  if (command === 'sw_vers')
    return exited('ProductName:\t\tmacOS\nProductVersion:\t\t26.9\nBuildVersion:\t\t25Z1\n')
  if (command === 'scutil' && args[1] === 'ComputerName') return exited('Anas Studio\n')
  return { kind: 'not-run', reason: `${command} of Anas Studio could not be run` }
}

const options = (overrides: Partial<SelfcheckOptions> = {}): SelfcheckOptions => ({
  context: createTestContext({ workDir: folder, env: { SSH_CONNECTION: 'x' } }),
  run: brokenMac,
  signal: new AbortController().signal,
  nexusVersion: '0.1.0',
  outDir: join(folder, 'out'),
  recordPath: join(folder, 'selfcheck.json'),
  onBegin: () => {},
  onEnd: () => {},
  ...overrides,
})

/** Processes that a probe started and did not end: they have this file's environment. */
const listStarted = (): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return pid !== String(process.pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)
    } catch {
      return false
    }
  })
const mark = `NEXUS_TEST_SELFCHECK=${randomUUID()}`

it('reports even if nothing works, with a verdict for every probe and no names', async () => {
  const report = await runSelfcheck(options())
  expect(SelfcheckReportSchema.parse(report)).toEqual(report)
  expect(report.left).toEqual([])
  expect(report.startedFrom.kind).toBe('ssh')
  const verdicts = Object.fromEntries(report.probes.map(({ id, verdict }) => [id, verdict]))
  expect(verdicts).toMatchObject({
    'system.version': 'pass',
    'forge.mount': 'fail',
    'forge.use': 'not-applicable',
    'readings.memory': 'fail',
    'launchd.bootstrap': 'fail',
    'stack.start': 'fail',
    'stack.long-prompt': 'not-applicable',
  })
  if (process.platform === 'linux') expect(listStarted()).toEqual([])
  expect(report.byHand.length).toBeGreaterThan(5)
  // It is one.
  expect(report.askedOnMac).toEqual([])
  expect(report.next).toContain(join(folder, 'out'))
  const kept = readFileSync(join(folder, 'out', 'report.json'), 'utf8')
  expect(JSON.stringify(report) + kept).not.toContain('Anas Studio')
  expect(kept).toContain('of HOST could not be run')
  expect(SelfcheckReportSchema.parse(JSON.parse(kept)).folder).toBeNull()
  expect(readFileSync(join(folder, 'out', 'sw-vers', 'plain-macos26.9.txt'), 'utf8')).toContain('26.9')
  expect(readSelfcheckRuns(join(folder, 'selfcheck.json'))).toMatchObject([
    { system: 'macOS 26.9', startedFrom: 'ssh', failed: expect.arrayContaining(['forge.mount']) },
  ])
})

it('keeps partial results when interrupted, and does not count as a run', async () => {
  const stop = new AbortController()
  const report = await runSelfcheck(
    options({
      signal: stop.signal,
      onEnd: ({ id }) => {
        if (id === 'system.home') stop.abort(new Error('interrupted'))
      },
    }),
  )
  expect(report.interrupted).toBe(true)
  expect(report.probes.map(({ id }) => id)).toEqual(['system.version', 'system.home'])
  expect(report.next).toContain('run it again')
  expect(existsSync(join(folder, 'out', 'report.json'))).toBe(true)
  expect(existsSync(join(folder, 'selfcheck.json'))).toBe(false)
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { hasRecordings, listRecordings, readRecording } from '../platform/test-support/recordings.ts'
import { readSelfcheckRuns, rememberSelfcheck } from './selfcheck-record.ts'
import { parseSoftwareVersion } from './system-facts.ts'

const folder = mkdtempSync(join(tmpdir(), 'nexus-selfcheck-record-'))
const path = join(folder, 'selfcheck.json')
afterEach(() => rmSync(path, { force: true }))
afterAll(() => rmSync(folder, { recursive: true }))

const run = { system: 'macOS 26.1', startedFrom: 'terminal', endedAt: 1, failed: [] }

it('keeps the last run per version and way of starting', () => {
  expect(readSelfcheckRuns(path)).toEqual([])
  rememberSelfcheck(path, { ...run, failed: ['x'] })
  rememberSelfcheck(path, run)
  rememberSelfcheck(path, { ...run, startedFrom: 'ssh' })
  expect(readSelfcheckRuns(path)).toEqual([run, { ...run, startedFrom: 'ssh' }])
})

it('parses sw_vers, and nothing else', () => {
  // Self-written sample with made-up numbers, in the format of the recordings.
  expect(
    parseSoftwareVersion('ProductName:\t\tmacOS\nProductVersion:\t\t26.9.1\nBuildVersion:\t\t25Z1\n'),
  ).toEqual({
    version: '26.9.1',
    build: '25Z1',
  })
  expect(parseSoftwareVersion('sw_vers: not imitated\n')).toBeNull()
})

it.skipIf(!hasRecordings).each(listRecordings('sw_vers'))('reads the recording %s', (recording) => {
  const version = /macos([\d.]+\d)/.exec(recording)?.[1]
  expect(parseSoftwareVersion(readRecording(recording))?.version).toBe(version)
})

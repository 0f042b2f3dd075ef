import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hasRecordings, readRecording } from '../platform/test-support/recordings.ts'
import { ensureEmptyFolder, planFixtureFiles, writeFixtureFiles } from './fixture-files.ts'
import { type Evidence, type Probe, pass } from './probe.ts'
import { exited } from './test-support/probes.ts'

const folder = mkdtempSync(join(tmpdir(), 'nexus-fixture-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

const probe: Probe = {
  id: 'forge.mount',
  group: 'System',
  assumed: 'x',
  limitMs: 1,
  run: async () => pass(''),
}
const redact = (text: string) => text.replaceAll('ana', 'USER')
const origin = { versionLabel: 'macos26.1', host: 'macOS 26.1', source: 'nexus selfcheck' }
const command = (argv: readonly string[], ...result: Parameters<typeof exited>): Evidence => ({
  kind: 'command',
  argv,
  result: exited(...result),
})

describe('planFixtureFiles', () => {
  it('names each distinct output by command, arguments and version', () => {
    const evidence: readonly Evidence[] = [
      command(['hdiutil', 'info'], 'framework : 1\n'),
      command(['hdiutil', 'info'], 'framework : 1\n'),
      command(['hdiutil', 'info'], 'images of ana\n'),
      command(['/usr/bin/hdiutil', 'attach', '-nomount', 'ram://32768'], '/dev/disk4\n'),
      command(['diskutil', 'enableOwnership', '/Volumes/ana'], '', 1, 'root is required\n'),
      command(['ps', '-p', '812'], ''),
      { kind: 'command', argv: ['screen', '-ls'], result: { kind: 'not-run', reason: 'not there' } },
      { kind: 'text', source: 'llama-server', what: '--help stdout', text: 'usage\n' },
    ]
    const files = planFixtureFiles([{ probe, evidence }], redact, origin)
    expect(files.map(({ file }) => file)).toEqual([
      'hdiutil/info-macos26.1.txt',
      'hdiutil/info-2-macos26.1.txt',
      'hdiutil/attach-nomount-macos26.1.txt',
      'diskutil/enableownership-macos26.1-stderr.txt',
      'llama-server/help-stdout-macos26.1.txt',
    ])
    expect(files[1]?.text).toBe('images of USER\n')
    expect(files[3]?.index).toEqual({
      file: 'diskutil/enableownership-macos26.1-stderr.txt',
      cmdline: 'diskutil enableOwnership /Volumes/USER',
      host: 'macOS 26.1',
      source: 'nexus selfcheck',
      status: 'verbatim, redacted',
      note: 'exit status 1; probe forge.mount',
    })
  })

  it('is written with an index in the format of the recordings', () => {
    const files = planFixtureFiles([{ probe, evidence: [command(['sw_vers'], 'x\n')] }], redact, origin)
    writeFixtureFiles(folder, files)
    expect(readFileSync(join(folder, 'sw-vers/plain-macos26.1.txt'), 'utf8')).toBe('x\n')
    const keysOf = (text: string) =>
      Object.keys(z.looseObject({}).parse(JSON.parse(text.split('\n')[0] ?? '')))
    const own = keysOf(readFileSync(join(folder, 'INDEX.jsonl'), 'utf8'))
    expect(own).toEqual(['file', 'cmdline', 'host', 'source', 'status', 'note'])
    if (hasRecordings) expect(own).toEqual(keysOf(readRecording('INDEX.jsonl')))
  })
})

it('ensureEmptyFolder creates a folder, and refuses one that is not empty', () => {
  ensureEmptyFolder(join(folder, 'new', 'deep'))
  ensureEmptyFolder(join(folder, 'new', 'deep'))
  writeFileSync(join(folder, 'new', 'deep', 'x'), '')
  expect(() => ensureEmptyFolder(join(folder, 'new', 'deep'))).toThrow(/already contains x; allowed/)
})

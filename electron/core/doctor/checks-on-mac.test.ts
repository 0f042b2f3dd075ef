import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findNewestReport, judgePlace, judgeReports, judgeSelfchecks, readReports } from './checks-on-mac.ts'

// Names from general knowledge of macOS; made-up times.
const names = [
  'panic-full-2026-11-02-031522.0002.panic',
  'panic-full-2026-10-30-120000.0002.panic',
  'Kernel_2019-01-02-030405_studio.panic',
  'JetsamEvent-2026-11-03-101112.ips',
  'JetsamEvent-2026-11-01-000000.ips',
  'llama-server-2026-11-05-101112.ips',
  'panic-of-a-program.txt',
  'Retired',
]

describe('findNewestReport', () => {
  it('goes by the time in the name, per kind', () => {
    expect(findNewestReport(names, 'panic')?.name).toBe('panic-full-2026-11-02-031522.0002.panic')
    expect(findNewestReport(names, 'jetsam')).toMatchObject({
      name: 'JetsamEvent-2026-11-03-101112.ips',
      at: new Date(2026, 10, 3, 10, 11, 12).getTime(),
    })
    expect(findNewestReport(names.slice(2, 3), 'panic')?.at).toBe(new Date(2019, 0, 2, 3, 4, 5).getTime())
    expect(findNewestReport(['Retired', 'x.ips'], 'panic')).toBeNull()
  })
})

describe('judgeReports', () => {
  const folder = '/Library/Logs/DiagnosticReports'
  const at = (day: number) => new Date(2026, 10, day).getTime()
  it('names the panic first, then the lack of memory', () => {
    const { level, found, mend } = judgeReports(names, folder, at(5))
    expect(level).toBe('warn')
    expect(found).toMatch(/kernel panic .*031522.*; macOS killed programs .*101112/)
    expect(mend).toBe(`less ${folder}/panic-full-2026-11-02-031522.0002.panic`)
  })
  it('passes old reports, and a Mac without any', () => {
    expect(judgeReports(names, folder, at(30)).level).toBe('ok')
    expect(judgeReports([], folder, at(5)).level).toBe('ok')
  })
})

describe('judgePlace', () => {
  it.each([
    ['/Users/ana/Documents/opta-nexus/resources', 'warn'],
    ['/Users/ana/Desktop', 'warn'],
    ['/Users/ana/Library/Mobile Documents/com~apple~CloudDocs/x', 'warn'],
    ['/Users/ana/Documents-of-mine/x', 'ok'],
    ['/Users/ana/src/Documents/x', 'ok'],
    ['/Users/bob/Documents/x', 'ok'],
    ['/Applications/Opta Nexus.app/Contents/Resources', 'ok'],
  ] as const)('%s: %s', (path, level) => {
    expect(judgePlace(['/opt/x', path], '/Users/ana').level).toBe(level)
  })
})

it('reads the folder of reports, and does not apply without one', async () => {
  const reports = mkdtempSync(join(tmpdir(), 'nexus-reports-'))
  onTestFinished(() => rmSync(reports, { recursive: true }))
  const stamp = new Date(Date.now() - 60_000)
  const local = new Date(stamp.getTime() - stamp.getTimezoneOffset() * 60_000).toISOString()
  const name = `JetsamEvent-${local.slice(0, 10)}-${local.slice(11, 19).replaceAll(':', '')}.ips`
  writeFileSync(join(reports, name), '')
  expect(await readReports(reports)).toMatchObject({ level: 'warn', found: expect.stringContaining(name) })
  expect(await readReports(join(reports, 'none'))).toBeNull()
})

describe('judgeSelfchecks', () => {
  const run = { system: 'macOS 26.1', startedFrom: 'terminal', endedAt: 1, failed: [] }

  it('recommends a run if it never ran on this version, with the exact command', () => {
    expect(judgeSelfchecks('26.1', [])).toMatchObject({ level: 'warn', mend: 'nexus selfcheck' })
    expect(judgeSelfchecks('26.2', [run])).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('never ran on macOS 26.2'),
    })
  })

  it('passes after a run, names failures, and is unknown without a version', () => {
    expect(judgeSelfchecks('26.1', [run])).toMatchObject({ level: 'ok' })
    const failed = { ...run, startedFrom: 'ssh', failed: ['forge.mount'] }
    expect(judgeSelfchecks('26.1', [run, failed])).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('forge.mount'),
    })
    expect(judgeSelfchecks(null, [run])).toMatchObject({ level: 'unknown' })
  })
})

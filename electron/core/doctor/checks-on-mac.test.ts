import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checksOnMac, findNewestReport, judgePlace, judgeReports } from './checks-on-mac.ts'

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

describe('checksOnMac', () => {
  const read = async (
    id: string,
    mountPoint: string,
    reports: string,
    platform: 'darwin' | 'linux' = 'darwin',
  ) => {
    const context = {
      platform: { id: platform },
      resourcesDir: '/opt/nexus/resources',
      folder: { root: '/opt/nexus/state', runtimeDir: '/opt/nexus/runtime' },
      homeDir: '/Users/ana',
    }
    const facts = {
      ramDisk: async () => ({ mounted: mountPoint !== '' }),
      spec: { mountPoint },
    }
    const check = checksOnMac(context, facts, reports).find((one) => one.id === id)
    return check === undefined ? 'absent' : await check.read(AbortSignal.timeout(5_000))
  }
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'nexus-reports-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }

  it('reads the folder of reports, and does not apply without one', async () => {
    const reports = folder()
    const stamp = new Date(Date.now() - 60_000)
    const local = new Date(stamp.getTime() - stamp.getTimezoneOffset() * 60_000).toISOString()
    const name = `JetsamEvent-${local.slice(0, 10)}-${local.slice(11, 19).replaceAll(':', '')}.ips`
    writeFileSync(join(reports, name), '')
    expect(await read('machine.reports', '', reports)).toMatchObject({
      level: 'warn',
      found: expect.stringContaining(name),
    })
    expect(await read('machine.reports', '', join(reports, 'none'))).toBeNull()
    expect(await read('machine.reports', '', reports, 'linux')).toBe('absent')
  })

  it('checks the RAM disk only while it is mounted', async () => {
    expect(await read('forge.access', folder(), '/nonexistent')).toMatchObject({ level: 'ok' })
    expect(await read('forge.access', '', '/nonexistent')).toBeNull()
    expect(await read('forge.access', '/nonexistent', '/nonexistent')).toMatchObject({ level: 'unknown' })
  })
})

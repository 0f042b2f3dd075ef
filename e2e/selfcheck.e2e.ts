// The real `nexus selfcheck`: the built command, its own real stack, and nothing left behind at any end.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { SelfcheckReportSchema } from '../electron/core/selfcheck/report.ts'
import { findProcessesOf, readArgv } from '../scripts/processes.ts'
import { collectResult, runNexus } from './nexus-command.ts'

let home: string
/** The run's own temporary folder: everything of it lies there and every process of it has it in its environment. */
let temporary: string
beforeAll(() => {
  home = mkdtempSync('/tmp/nexus-e2e-')
  temporary = join(home, 't')
  mkdirSync(temporary)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const environment = () => ({ TMPDIR: temporary })

/** What is left of a run; empty when it cleared up. */
const listLeftovers = (): readonly string[] => [
  ...readdirSync(temporary),
  ...readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(temporary) || line.includes('nexus-selfcheck')),
  ...(existsSync('/dev/shm') ? readdirSync('/dev/shm', { recursive: true, encoding: 'utf8' }) : []).filter(
    (name) => name.includes('nexus-selfcheck'),
  ),
  ...findProcessesOf(temporary).map((pid) => readArgv(pid)?.join(' ') ?? `pid ${pid}`),
]

const IndexLineSchema = z.strictObject({
  file: z.string(),
  cmdline: z.string(),
  host: z.string(),
  source: z.string(),
  status: z.literal('verbatim, redacted'),
  note: z.string(),
})

describe.skipIf(process.platform !== 'linux')('nexus selfcheck on Linux', () => {
  it('passes, keeps the output, records the run, and leaves nothing else', async () => {
    const out = join(home, 'out')
    const { code, stdout, stderr } = await runNexus(
      home,
      ['selfcheck', '--json', '--out', out],
      environment(),
    )
    const report = SelfcheckReportSchema.parse(JSON.parse(stdout))
    const failed = report.probes.filter(({ verdict }) => verdict === 'fail')
    expect(failed).toEqual([])
    expect(report.left).toEqual([])
    // What a Mac would be asked is said here too, without what was answered already.
    expect(report.askedOnMac.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['launchd.bootstrap', 'app.signature', 'network.firewall']),
    )
    expect(report.askedOnMac.map(({ id }) => id)).not.toContain('forge.eject')
    expect(code).toBe(0)
    expect(stderr).toContain('stack.long-prompt')
    const passed = report.probes.filter(({ verdict }) => verdict === 'pass').map(({ id }) => id)
    expect(passed).toEqual(
      expect.arrayContaining([
        'forge.mount',
        'forge.use',
        'forge.eject-busy',
        'forge.eject',
        'forge.eject-forced',
        'processes.outlives',
        'ports.own',
        'stack.long-prompt',
        'stack.no-key',
        'stack.processes',
        'stack.guest-socket',
        'stack.stop',
      ]),
    )
    // The run without set-up, whose time is not its own.
    const timed = report.probes.filter(({ id }) => id !== 'stack.set-up')
    expect(timed.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeLessThan(120_000)
    expect(listLeftovers()).toEqual([])

    const index = readFileSync(join(out, 'INDEX.jsonl'), 'utf8').trim().split('\n')
    const files = index.map((line) => IndexLineSchema.parse(JSON.parse(line)).file)
    expect(files.length).toBeGreaterThan(3)
    expect(files).toContain(`uname/srm-linux${report.system.version}.txt`)
    for (const file of [...files, 'report.json']) {
      const text = readFileSync(join(out, file), 'utf8')
      const { username } = userInfo()
      if (username !== 'root') expect(text).not.toMatch(new RegExp(`\\b${username}\\b`))
      // As a word: the random names of temporary folders may contain a short one.
      expect(text.split(/[^A-Za-z0-9.-]+/)).not.toContain(hostname())
    }
    expect(JSON.parse(readFileSync(join(home, 'selfcheck.json'), 'utf8'))).toMatchObject({
      runs: [{ system: `Linux ${report.system.version}`, failed: [] }],
    })
  })

  it('refuses a folder that holds something, before anything is tried', async () => {
    const { code, stderr } = await runNexus(home, ['selfcheck', '--out', home], environment())
    expect(code).toBe(1)
    expect(stderr).toMatch(/already contains .*; allowed: a new or an empty folder/)
    expect(listLeftovers()).toEqual([])
  })

  const interruptAfter = async (mark: string, meanwhile: () => Promise<void>) => {
    const child = spawn(
      join(import.meta.dirname, '..', 'scripts', 'nexus'),
      ['selfcheck', '--out', join(home, `out-${mark}`)],
      { env: { ...process.env, ...environment(), NEXUS_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const result = collectResult(child)
    const seen = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes(mark)) resolve()
      })
    })
    await Promise.race([seen, result.then(({ stderr }) => expect.fail(`it ended before ${mark}: ${stderr}`))])
    await meanwhile()
    child.kill('SIGTERM')
    return result
  }

  it('clears up on SIGTERM while the RAM disk is mounted', async () => {
    const { code, stdout } = await interruptAfter('forge.use', async () => {})
    expect(code).toBe(1)
    expect(stdout).toContain('Interrupted: run it again')
    expect(listLeftovers()).toEqual([])
  })

  it('clears up on SIGTERM while the servers start', async () => {
    const { code } = await interruptAfter('stack.set-up', async () => {
      await expect
        .poll(() =>
          readdirSync(temporary).some((name) => existsSync(join(temporary, name, 'stack', 'ledger.json'))),
        )
        .toBe(true)
    })
    expect(code).toBe(1)
    expect(listLeftovers()).toEqual([])
  })
})

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { locateStateFolder } from '../config/state-folder.ts'
import { createDarwinPlatform } from '../platform/darwin-platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { createTestMac, type TestMac } from '../platform/test-support/mac.ts'
import { madeUpJob } from '../platform/test-support/mac-launchd.ts'
import { rememberSelfcheck } from '../selfcheck/selfcheck-record.ts'
import { examine } from './doctor.ts'

// The checks for Macs, on an imitated one. Outputs of pmset and defaults are self-written from their manual
// pages and general knowledge, not recorded from the real commands.
let dir = ''
let mac: TestMac
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-doctor-mac-'))
  mac = createTestMac({ executables: false })
})
afterEach(() => {
  mac.remove()
  rmSync(dir, { recursive: true, force: true })
})

const examineMac = async (answers: Readonly<Record<string, string>>) => {
  const run: RunCommand = async (argv, options) => {
    const stdout = answers[argv[0]]
    return stdout === undefined ? mac.run(argv, options) : { kind: 'exited', exitCode: 0, stdout, stderr: '' }
  }
  const platform = createDarwinPlatform({ run, volumesFolder: mac.volumesFolder })
  const report = await examine({
    folder: locateStateFolder({ NEXUS_HOME: join(dir, 'home') }, 'darwin', dir),
    platform,
    resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources'),
    env: {},
    homeDir: dir,
    run,
    requestedProfile: 'studio',
  })
  return (id: string) => report.checks.find((check) => check.id === id)
}

const vmStat = (wiredPages: number) => `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              9000000.
Pages active:                            1000000.
Pages inactive:                           900000.
Pages speculative:                         10000.
Pages wired down:                        ${wiredPages}.
Pages purgeable:                            1000.
File-backed pages:                        500000.
Pages occupied by compressor:                  0.
Swapouts:                                      0.
`
const sysctl = (swap: string) => `hw.memsize: 274877906944
vm.swapusage: total = 4096.00M  used = ${swap}  free = 0.00M  (encrypted)
kern.memorystatus_vm_pressure_level: 1
iogpu.wired_limit_mb: 0
`

const wellSet = {
  vm_stat: vmStat(300_000),
  sysctl: sysctl('0.00M'),
  pmset: 'Currently in use:\n autorestart          1\n sleep                0\n',
  defaults: 'opta\n',
}

describe('examine on a Mac', () => {
  it('passes a Mac that is set up to stay on', async () => {
    const find = await examineMac(wellSet)
    expect(find('machine.sleep')?.level).toBe('ok')
    expect(find('machine.restart')?.level).toBe('ok')
    expect(find('machine.login')?.level).toBe('ok')
    for (const id of ['memory.wired', 'memory.pressure']) expect(find(id)?.level, id).toBe('ok')
    // Not mounted, so nothing to read.
    expect(find('forge.access')).toBeUndefined()
  })

  it('recommends the selfcheck until it has run on this version', async () => {
    // Made-up numbers, in the format of the recordings.
    const answers = {
      ...wellSet,
      sw_vers: 'ProductName:\t\tmacOS\nProductVersion:\t\t26.9\nBuildVersion:\t\t25Z1\n',
    }
    expect((await examineMac(answers))('machine.selfcheck')).toMatchObject({
      level: 'warn',
      mend: 'nexus selfcheck',
      found: expect.stringContaining('never ran on macOS 26.9'),
    })
    mkdirSync(join(dir, 'home'), { recursive: true })
    const run = { system: 'macOS 26.9', startedFrom: 'terminal', endedAt: 1, failed: [] }
    rememberSelfcheck(join(dir, 'home', 'selfcheck.json'), run)
    expect((await examineMac(answers))('machine.selfcheck')?.level).toBe('ok')
  })

  it('names every fault', async () => {
    const find = await examineMac({
      // 98 GB wired although no model runs.
      vm_stat: vmStat(6_000_000),
      sysctl: sysctl('3000.00M'),
      pmset: ' autorestart          0\n sleep                1\n',
      defaults: '',
    })
    expect(find('machine.sleep')).toMatchObject({ level: 'warn', mend: 'sudo pmset -a sleep 0' })
    expect(find('machine.restart')).toMatchObject({ level: 'warn', mend: 'sudo pmset -a autorestart 1' })
    expect(find('machine.login')?.level).toBe('warn')
    expect(find('keys.client')).toMatchObject({ level: 'warn', mend: 'nexus key rotate shared' })
    expect(find('memory.wired')).toMatchObject({ level: 'warn', found: expect.stringContaining('91.55 GiB') })
    expect(find('memory.pressure')?.level).toBe('warn')
    // No plan to compare with: there is no model.
    expect(find('memory.gpu-limit')?.level).toBe('unknown')
  })

  it('names another running engine', async () => {
    const ps = '  805 /opt/homebrew/opt/ollama/bin/ollama\n'
    const find = await examineMac({ ...wellSet, vm_stat: vmStat(6_000_000), ps })
    expect(find('memory.wired')).toMatchObject({
      level: 'unknown',
      found: expect.stringContaining('ollama (pid 805)'),
    })
  })

  it('says whether the service comes back after a reboot', async () => {
    expect((await examineMac(wellSet))('machine.service')).toMatchObject({
      level: 'warn',
      mend: 'nexus service install',
    })
    mac.change((state) => {
      const path = '/Library/LaunchDaemons/ai.opta.nexus.plist'
      state.jobs['system/ai.opta.nexus'] = madeUpJob(path, 77)
      state.replies['defaults'] = {
        exitCode: 1,
        stdout: '',
        stderr: 'The domain/default pair of (x, autoLoginUser) does not exist\n',
      }
    })
    const { defaults: _, ...others } = wellSet
    const find = await examineMac(others)
    expect(find('machine.service')).toMatchObject({ level: 'ok', found: expect.stringContaining('pid 77') })
    // A system daemon needs no login.
    expect(find('machine.login')?.level).toBe('ok')
  })

  it("asks the Mac's firewall, because its own address proves nothing", async () => {
    const binary = join(dir, 'bin', 'llama-server')
    mkdirSync(join(dir, 'bin'))
    writeFileSync(binary, '#!/bin/sh\n')
    chmodSync(binary, 0o755)
    vi.stubEnv('HOMEBREW_PREFIX', dir)
    onTestFinished(() => void vi.unstubAllEnvs())
    const reach = async (rules: Record<string, 'Allow' | 'Block'>) => {
      mac.change((state) => {
        state.firewall = { isOn: true, rules }
      })
      return (await examineMac(wellSet))('reach.llamaServer')
    }
    expect(await reach({ [binary]: 'Block' })).toMatchObject({
      level: 'fail',
      found: expect.stringContaining(`blocks the AI Engine (${binary})`),
    })
    expect((await reach({}))?.found).toContain('does not list')
    expect((await reach({ [binary]: 'Allow' }))?.found).not.toContain('firewall')
  })

  const mountForge = async (): Promise<string> => {
    const platform = createDarwinPlatform({ run: mac.run, volumesFolder: mac.volumesFolder })
    const mountPoint = platform.ramDisk.defaultMountPoint('OptaBuilds')
    const spec = {
      volumeName: 'OptaBuilds',
      sizeBytes: 65_536 * 2 ** 20,
      mountPoint,
      filesystem: 'hfs+',
    } as const
    expect((await platform.ramDisk.mount(spec)).kind).toBe('mounted')
    return mountPoint
  }

  it('reads the RAM disk once it is mounted', async () => {
    const mountPoint = await mountForge()
    const find = await examineMac(wellSet)
    expect(find('forge.access')).toMatchObject({ level: 'ok', found: expect.stringContaining(mountPoint) })
  })

  it('checks Spotlight once the RAM disk is mounted', async () => {
    const mountPoint = await mountForge()
    const indexed = { ...wellSet, mdutil: `${mountPoint}:\n\tIndexing enabled. \n` }
    expect((await examineMac(indexed))('forge.spotlight')?.level).toBe('warn')
    const quiet = { ...wellSet, mdutil: `${mountPoint}:\n\tIndexing disabled.\n` }
    expect((await examineMac(quiet))('forge.spotlight')?.level).toBe('ok')
  })
})

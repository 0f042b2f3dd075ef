// The read-only probes on an imitated Mac: each made to pass and to fail.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunCommand } from '../platform/run-command.ts'
import type { SelfcheckContext } from './context.ts'
import { probesOnApp } from './probes-on-app.ts'
import { judgeReach, probesOnNetwork } from './probes-on-network.ts'
import { probesOnReadings } from './probes-on-readings.ts'
import { probesOnSystem } from './probes-on-system.ts'
import { createTestContext, exited, tryProbe } from './test-support/probes.ts'

const appPath = mkdtempSync(join(tmpdir(), 'nexus-app-'))
const framework = join(appPath, 'Contents/Frameworks/Electron Framework.framework')
const writeFuses = (wire: string) => {
  mkdirSync(framework, { recursive: true })
  const mark = Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX')
  const program = [Buffer.alloc(100, 'x'), mark, Buffer.from([1, wire.length]), Buffer.from(`${wire}rest`)]
  writeFileSync(join(framework, 'Electron Framework'), Buffer.concat(program))
}
beforeEach(() => writeFuses('00001100'))
afterAll(() => rmSync(appPath, { recursive: true }))

const firewall = '/usr/libexec/ApplicationFirewall/socketfilterfw'

/**
 * Made-up numbers. vm_stat, sysctl, sw_vers, ifconfig, route and ioreg in the format of the recordings; pmset, mdutil, id and
 * ulimit from their manual pages; socketfilterfw as public scripts parse it ("Firewall is disabled. (State = 0)"); the
 * output of codesign, spctl and --getappblocked is assumed.
 */
const wellMac: Readonly<Record<string, string>> = {
  sw_vers: 'ProductName:\t\tmacOS\nProductVersion:\t\t26.9\nBuildVersion:\t\t25Z1\n',
  id: 'uid=501(ana) gid=20(staff)\n',
  sh: '256\n',
  vm_stat: `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               1000.
Pages active:                             3000.
Pages inactive:                           2000.
Pages speculative:                         100.
Pages throttled:                             0.
Pages wired down:                         1500.
Pages purgeable:                            50.
"Translation faults":                 12345678.
File-backed pages:                        1200.
Pages occupied by compressor:              400.
Swapouts:                                    7.
`,
  sysctl: `hw.memsize: ${totalmem()}
vm.swapusage: total = 2048.00M  used = 100.50M  free = 1947.50M  (encrypted)
kern.memorystatus_vm_pressure_level: 1
iogpu.wired_limit_mb: 0
`,
  ioreg: '  "PerformanceStatistics" = {"In use system memory"=1048576,"Device Utilization %"=12}\n',
  ifconfig:
    'en0: flags=8863<UP,BROADCAST,RUNNING> mtu 1500\n\tinet 192.168.7.2 netmask 0xffffff00\n\tstatus: active\n',
  route: '   route to: default\n    gateway: 127.0.0.1\n  interface: en0\n',
  pmset: 'Currently in use:\n sleep                0\n autorestart          1\n',
  screen: 'No Sockets found in /x/.screen.\r\n\r\n',
  [firewall]: 'Firewall is disabled. (State = 0)\n',
  codesign: '',
  spctl: '',
  xattr: '',
}

type Instead = Readonly<Record<string, Awaited<ReturnType<RunCommand>>>>

const createMac =
  (instead: Instead = {}): RunCommand =>
  async ([command]) => {
    const other = instead[command]
    const text = wellMac[command]
    if (other !== undefined) return other
    return text === undefined ? { kind: 'not-run', reason: `unexpected ${command}` } : exited(text)
  }

const home = { HOME: '/Users/ana' }
const list = (overrides: Partial<SelfcheckContext> = {}) => {
  const context = createTestContext({ env: home, appPath, ...overrides })
  return [
    ...probesOnSystem(context),
    ...probesOnReadings(context),
    ...probesOnNetwork(context),
    ...probesOnApp(context),
  ]
}
const gone = exited('', 1, 'no such thing\n')
const quarantine = { xattr: exited('', 1, 'No such xattr: com.apple.quarantine\n') }

describe('a Mac on which every assumption holds', () => {
  it.each(list().map(({ id }) => id))('%s', async (id) => {
    // The imitated route's gateway is this machine, whose ports refuse.
    const result = await tryProbe(list(), id, createMac(quarantine))
    expect(result).toMatchObject({ verdict: id === 'system.systemd' ? 'not-applicable' : 'pass' })
  })
})

describe('fails', () => {
  it.each<[string, Instead, Partial<SelfcheckContext>]>([
    ['system.version', { sw_vers: gone }, {}],
    ['system.home', {}, { env: {} }],
    ['system.home', {}, { env: { HOME: '/var/root' } }],
    ['system.open-files', { sh: exited('200\n') }, {}],
    [
      'system.node',
      {},
      { service: { argv: ['/opt/homebrew/Cellar/node/24.1/bin/node'], env: {}, logPath: '/x' } },
    ],
    [
      'system.node',
      {},
      {
        service: {
          argv: ['/x'],
          env: { PATH: '/opt/homebrew/Cellar/node/24.1/bin:/usr/bin' },
          logPath: '/x',
        },
      },
    ],
    ['readings.memory', { sysctl: exited(`hw.memsize: ${totalmem()}\n`) }, {}],
    ['readings.memory', { vm_stat: gone }, {}],
    [
      'readings.memory',
      { sysctl: exited(wellMac['sysctl']?.replace(`${totalmem()}`, `${2 * totalmem()}`) ?? '') },
      {},
    ],
    ['readings.gpu', { ioreg: exited('"PerformanceStatistics" = {"Device Utilization %"=12}\n') }, {}],
    ['readings.addresses', { ifconfig: gone }, {}],
    ['readings.power', { pmset: gone }, {}],
    ['readings.screen', { screen: exited('screen: strange\n', 1) }, {}],
    ['network.firewall', { [firewall]: gone }, {}],
    ['app.signature', { codesign: gone }, {}],
    ['app.quarantine', { xattr: exited('0081;00000000;Safari;\n') }, {}],
  ])('%s', async (id, instead, overrides) => {
    const result = await tryProbe(list(overrides), id, createMac(instead))
    expect(result).toMatchObject({ verdict: 'fail' })
  })
})

describe('is not applicable, with the reason', () => {
  it.each<[string, Instead, Partial<SelfcheckContext>, RegExp]>([
    ['network.local', { route: exited('not in table\n') }, {}, /no default route/],
    ['readings.screen', { screen: { kind: 'not-run', reason: 'screen could not be run' } }, {}, /no screen/],
    ['app.signature', {}, { appPath: null }, /not installed/],
    ['system.systemd', { systemctl: gone }, { platformId: 'linux' }, /no systemd for this user/],
  ])('%s %#', async (id, instead, overrides, reason) => {
    const result = await tryProbe(list(overrides), id, createMac(instead))
    expect(result).toMatchObject({ verdict: 'not-applicable', found: expect.stringMatching(reason) })
  })
})

it.each([
  ['pass', ['no answer', 'ECONNREFUSED', 'EHOSTUNREACH']],
  ['pass', ['connected', 'no answer', 'no answer']],
  ['fail', ['EHOSTUNREACH', 'EHOSTUNREACH', 'EHOSTUNREACH']],
  ['fail', ['no answer', 'EHOSTUNREACH', 'no answer']],
  ['not-applicable', ['no answer', 'no answer', 'ENETUNREACH']],
])('network.local: %s for %j', (verdict, answers) => {
  expect(judgeReach(answers).verdict).toBe(verdict)
})

it.each([
  ['10001100', 'RunAsNode is not 0'],
  ['00000100', 'EnableEmbeddedAsarIntegrityValidation is not 1'],
  ['', 'no fuses'],
])('app.fuses fails for %j', async (wire, reason) => {
  writeFuses(wire)
  const result = await tryProbe(list(), 'app.fuses', createMac())
  expect(result).toMatchObject({ verdict: 'fail', found: expect.stringContaining(reason) })
})

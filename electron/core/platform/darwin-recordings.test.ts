// Every parser of a Mac's commands on every recording of its kind, with the other line end too, and on those of all other kinds.
import { describe, expect, it } from 'vitest'
import { parseAttachedDevice, parseHdiutilInfo, parseMountTable } from './darwin-disk-text.ts'
import { parseGpuUse } from './darwin-gpu.ts'
import { parseSwapUsedBytes, parseSysctl, parseVmStat } from './darwin-memory.ts'
import { parseGroupLines, parseLsofFields, parseNetstatListens, parsePsLines } from './darwin-processes.ts'
import { parseDefaultRoute, parseIfconfig } from './lan-addresses.ts'
import { parsePowerSettings } from './power-settings.ts'
import { parseScreenList } from './screen-sessions.ts'
import { hasRecordings, listRecordings, readRecording } from './test-support/recordings.ts'

interface ParserOfKind {
  readonly name: string
  /** Its recordings; the others are foreign to it. */
  readonly owns: (path: string) => boolean
  readonly parse: (text: string) => unknown
  /** What it answers for a text of another kind; [] where that means "none of these lines is mine". */
  readonly foreign: unknown
}

const below = (folder: string) => (path: string) => path.startsWith(`${folder}/`)

const parsers: readonly ParserOfKind[] = [
  {
    name: 'hdiutil info',
    owns: (path) => /^hdiutil\/info-.*\.txt$/.test(path),
    parse: parseHdiutilInfo,
    foreign: null,
  },
  { name: 'hdiutil attach', owns: below('hdiutil'), parse: parseAttachedDevice, foreign: null },
  { name: 'mount', owns: below('mount'), parse: parseMountTable, foreign: [] },
  { name: 'vm_stat', owns: below('vm_stat'), parse: parseVmStat, foreign: null },
  {
    name: 'sysctl vm.swapusage',
    owns: below('sysctl'),
    parse: (text) => parseSwapUsedBytes(parseSysctl(text).get('vm.swapusage')),
    foreign: null,
  },
  { name: 'ioreg', owns: below('ioreg'), parse: parseGpuUse, foreign: null },
  { name: 'ifconfig', owns: below('ifconfig'), parse: parseIfconfig, foreign: [] },
  { name: 'route', owns: below('route'), parse: parseDefaultRoute, foreign: null },
  { name: 'lsof -F', owns: below('lsof'), parse: parseLsofFields, foreign: [] },
  { name: 'netstat', owns: below('netstat'), parse: (text) => parseNetstatListens(text, 22), foreign: false },
  { name: 'ps', owns: below('ps'), parse: parsePsLines, foreign: [] },
  { name: 'ps -o pgid', owns: below('ps'), parse: parseGroupLines, foreign: [] },
  { name: 'screen -ls', owns: below('screen'), parse: parseScreenList, foreign: null },
  { name: 'pmset -g', owns: () => false, parse: parsePowerSettings, foreign: null },
]

const folders = [
  ...[
    'hdiutil',
    'diskutil',
    'df',
    'mount',
    'vm_stat',
    'sysctl',
    'memory_pressure',
    'ioreg',
    'powermetrics',
    'screen',
    'lsof',
  ],
  ...['netstat', 'ifconfig', 'ipconfig', 'route', 'ps', 'launchctl', 'sw_vers', 'system_profiler'],
]
const all = folders.flatMap(listRecordings)

describe.skipIf(!hasRecordings)('recordings of all kinds (skipped where the recordings are absent)', () => {
  describe.each(parsers)('$name', ({ owns, parse, foreign }) => {
    it.each(all.filter(owns))('reads %s the same with CR LF', (path) => {
      const text = readRecording(path).replaceAll('\r\n', '\n')
      expect(parse(text.replaceAll('\n', '\r\n'))).toEqual(parse(text))
    })
    it('takes no recording of another kind for its own', () => {
      for (const path of all.filter((other) => !owns(other)))
        expect({ path, read: parse(readRecording(path)) }).toEqual({ path, read: foreign })
    })
    it('takes an empty answer for no list of anything', () => {
      expect(parse('')).toEqual(foreign)
    })
  })
})

// Own samples with made-up numbers: these always run.
describe('other line ends', () => {
  const samples: Readonly<Record<string, string>> = {
    'hdiutil info': 'framework       : 1\ndriver          : 1\n',
    'hdiutil attach': '/dev/disk9          \t    \t\n',
    mount: '/dev/disk1 on / (apfs, local)\n/dev/disk9 on /Volumes/A B (hfs, local, noowners)\n',
    'sysctl vm.swapusage': 'vm.swapusage: total = 2,00M  used = 1,00M  free = 1,00M\n',
    ioreg: '"PerformanceStatistics" = {"Device Utilization %"=3}\n',
    ifconfig: 'en0: flags=8863<UP,RUNNING> mtu 1500\n\tinet 10.1.1.1 netmask 0xff000000\n\tstatus: active\n',
    route: '   route to: default\n  interface: en7\n',
    'lsof -F': 'p7\ncx\nLana\nf3\nn*:22\n',
    netstat: 'tcp4       0      0  *.22                   *.*                    LISTEN     \n',
    ps: '  811 Ss   Tue Sep  2 10:15:30 2025     /opt/bin/x\n',
    'ps -o pgid': '  811   800 Ss\n',
    'screen -ls': 'There is a screen on:\n\t7.a\t(Detached)\n1 Socket in /x.\n',
    'pmset -g': 'Currently in use:\n sleep                0\n autorestart          1\n',
  }
  it.each(parsers.filter(({ name }) => samples[name] !== undefined))('$name', ({ name, parse, foreign }) => {
    const text = samples[name] ?? ''
    const read = parse(text)
    if (name !== 'hdiutil info') expect(read).not.toEqual(foreign)
    expect(parse(text.replaceAll('\n', '\r\n'))).toEqual(read)
  })
})

import { describe, expect, it, onTestFinished } from 'vitest'
import { MemorySchema } from '../../contract/snapshot.ts'
import {
  createDarwinMemoryReader,
  parseGpuLimitBytes,
  parsePressureLevel,
  parseSwapUsedBytes,
  parseSysctl,
  parseVmStat,
  readDarwinTotalBytes,
} from './darwin-memory.ts'
import { createTestMac } from './test-support/mac.ts'
import { hasRecordings, listRecordings, readRecording } from './test-support/recordings.ts'

// Own sample with made-up numbers, in the format of vm_stat.
const vmStat = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                 100.
Pages active:                              5000.
Pages inactive:                            3000.
Pages speculative:                          200.
Pages throttled:                              0.
Pages wired down:                          1500.
Pages purgeable:                             70.
"Translation faults":                 987654321.
File-backed pages:                         1030.
Anonymous pages:                           4000.
Pages stored in compressor:                 900.
Pages occupied by compressor:               400.
Swapouts:                                    25.
Pages something new:                          3.
`

describe('parseVmStat', () => {
  it('counts used memory with the page size of the header', () => {
    expect(parseVmStat(vmStat)).toEqual({
      pageBytes: 16_384,
      usedBytes: 9000 * 16_384,
      wiredBytes: 1500 * 16_384,
      compressedBytes: 400 * 16_384,
      swapOutPages: 25,
    })
    expect(parseVmStat(vmStat.replace('16384', '4096'))?.wiredBytes).toBe(1500 * 4096)
  })
  it('leaves swap-outs unknown where the text has none', () => {
    expect(parseVmStat(vmStat.replace(/^Swapouts.*\n/m, ''))?.swapOutPages).toBeNull()
  })
  it.each([
    '',
    'Pages active: 5.',
    vmStat.replace('Pages wired down', 'Seiten'),
    vmStat.replace(/^Mach.*\n/, ''),
    vmStat.slice(0, 300),
    vmStat.replace('16384', '0'),
    vmStat.replace('16384', '12000'),
    vmStat.replace('16384', '1048576'),
    vmStat.replace('16384', '99999999999999999999'),
    // A counter that no number holds exactly, a sum below nothing, and one below what is wired.
    vmStat.replace(' 5000.', ' 99999999999999999999.'),
    vmStat.replace(' 1030.', ' 99999.'),
    vmStat.replace(' 1030.', ' 9500.'),
    '\0'.repeat(1000),
  ])('answers null for what is not a whole vm_stat', (text) => {
    expect(parseVmStat(text)).toBeNull()
  })
})

describe('sysctl', () => {
  it('splits at the first colon only', () => {
    const values = parseSysctl(
      'kern.boottime: { sec = 1, usec = 2 } at: noon\nhw.memsize: 68719476736\nbroken\n: x\n',
    )
    expect([...values]).toEqual([
      ['kern.boottime', '{ sec = 1, usec = 2 } at: noon'],
      ['hw.memsize', '68719476736'],
    ])
  })
  it.each([
    ['total = 4096.00M  used = 1000.25M  free = 3095.75M  (encrypted)', 1_048_838_144],
    ['total = 4096,00M  used = 1000,25M  free = 3095,75M  (encrypted)', 1_048_838_144],
    ['total = 8.00G  used = 2.00G  free = 6.00G', 2 ** 31],
    ['total = 0.00M  used = 0.00M  free = 0.00M', 0],
    ['total = 4096.00M', null],
    ['used = lots', null],
    ['total = 4096,00M  used = 1,568M  free = 2528,00M', null],
    ['total = 4.096,00M  used = 1.568,25M  free = 2.527,75M', null],
    ['total = 4096M  used = 1568M  free = 2528M', null],
    ['total = 1.00G  used = 2.00G  free = 0.00G', null],
    ['total = 4096.00M  used = 99999999999999999999.00M', null],
    ['total = 4096.00M  used = 1.00MiB', null],
    [undefined, null],
  ])('swap %j: %s bytes', (value, bytes) => {
    expect(parseSwapUsedBytes(value)).toBe(bytes)
  })
  it.each([
    ['1', 'normal'],
    ['2', 'warn'],
    ['4', 'critical'],
    ['0', null],
    ['3', null],
    ['', null],
    [undefined, null],
  ])('pressure level %j is %s', (value, level) => {
    expect(parsePressureLevel(value)).toBe(level)
  })
  it.each([
    ['118000', 118_000 * 2 ** 20],
    ['0', null],
    ['0 -> 114688', null],
    ['999999999999999', null],
    ['-1', null],
    [undefined, null],
  ])('wired limit %j is %s bytes', (value, bytes) => {
    expect(parseGpuLimitBytes(value)).toBe(bytes)
  })
})

describe('memory of a pretended Mac', () => {
  const sysctl = `hw.memsize: 274877906944
vm.swapusage: total = 1024.00M  used = 512.00M  free = 512.00M  (encrypted)
kern.memorystatus_vm_pressure_level: 1
`
  const macWith = (vmStatText: string, sysctlText: string) => {
    const mac = createTestMac({ executables: true })
    onTestFinished(() => mac.remove())
    mac.change(({ replies }) => {
      replies['vm_stat'] = { exitCode: 0, stdout: vmStatText, stderr: '' }
      // Exit 1 because one key is unknown on this machine; the others are printed all the same.
      replies['sysctl'] = {
        exitCode: 1,
        stdout: sysctlText,
        stderr: "sysctl: unknown oid 'iogpu.wired_limit_mb'\n",
      }
    })
    return mac
  }

  it('is read whole, with rates from the second reading on', async () => {
    const mac = macWith(vmStat, sysctl)
    const read = createDarwinMemoryReader(mac.run)
    expect(await readDarwinTotalBytes(mac.run)).toBe(256 * 2 ** 30)
    const first = MemorySchema.parse(await read())
    expect(first).toMatchObject({
      totalBytes: 256 * 2 ** 30,
      usedBytes: 9000 * 16_384,
      availableBytes: 256 * 2 ** 30 - 9000 * 16_384,
      swapUsedBytes: 2 ** 29,
      pressure: 'normal',
      gpuLimitBytes: null,
      swapOutBytesPerSecond: null,
      cpuPercent: null,
    })
    mac.change(({ replies }) => {
      replies['vm_stat'] = { exitCode: 0, stdout: vmStat.replace(' 25.', ' 35.'), stderr: '' }
    })
    expect((await read()).swapOutBytesPerSecond).toBeGreaterThan(0)
  })

  it('is read without its swap when that alone is not understood', async () => {
    const read = createDarwinMemoryReader(macWith(vmStat, sysctl.replace('used', 'usati')).run)
    expect(MemorySchema.parse(await read())).toMatchObject({ usedBytes: 9000 * 16_384, swapUsedBytes: null })
  })

  it.each([
    ['vm_stat', '', sysctl],
    ['sysctl', vmStat, sysctl.replace('hw.memsize: 27', 'hw.memsize: 2.7')],
    ['vm_stat', vmStat, sysctl.replace('274877906944', '1048576')],
  ])('is unknown, not invented, when %s is not understood', async (command, vmStatText, sysctlText) => {
    const mac = macWith(vmStatText, sysctlText)
    await expect(createDarwinMemoryReader(mac.run)()).rejects.toThrow(command)
  })
})

describe.skipIf(!hasRecordings)(
  'recorded vm_stat and sysctl (skipped where the recordings are absent)',
  () => {
    it.each(listRecordings('vm_stat'))('understands %s', (path) => {
      const parsed = parseVmStat(readRecording(path))
      expect(parsed).not.toBeNull()
      expect([4096, 16_384]).toContain(parsed?.pageBytes)
      // No sample is of a machine with less than 2 or more than 1024 GB in use, nor wired beyond what is used.
      expect(parsed?.usedBytes).toBeGreaterThan(2 * 2 ** 30)
      expect(parsed?.usedBytes).toBeLessThan(2 ** 40)
      expect(parsed?.wiredBytes).toBeLessThan(parsed?.usedBytes ?? 0)
      expect(parsed?.swapOutPages).not.toBeNull()
    })
    it('reads the numbers of one of them as worked out by hand', () => {
      const parsed = parseVmStat(readRecording('vm_stat/m4pro-24gb-macos26.1.txt'))
      const pages = 504_601 + 502_824 + 5627 + 250_127 + 235_473 - 17_909 - 317_323
      expect(parsed).toMatchObject({
        usedBytes: pages * 16_384,
        wiredBytes: 250_127 * 16_384,
        swapOutPages: 51_887_894,
      })
    })
    it.each([
      ['sysctl/swapusage-decimal-comma-italian.txt', 968 * 2 ** 20],
      ['sysctl/swapusage-decimal-comma-spanish.txt', 1568.25 * 2 ** 20],
      ['sysctl/intel-10.14.6-selected-from-a.txt', 2513.5 * 2 ** 20],
    ])('reads swap in %s', (path, bytes) => {
      expect(parseSwapUsedBytes(parseSysctl(readRecording(path)).get('vm.swapusage'))).toBe(bytes)
    })
    it.each([
      ['sysctl/wired-limit-default-0.txt', null],
      ['sysctl/wired-limit-and-lwm-128gb.txt', 118_000 * 2 ** 20],
    ])('reads the wired limit in %s', (path, bytes) => {
      expect(parseGpuLimitBytes(parseSysctl(readRecording(path)).get('iogpu.wired_limit_mb'))).toBe(bytes)
    })
    it('reads the pressure level', () => {
      const values = parseSysctl(readRecording('sysctl/pressure-warn-b-macos26.5.txt'))
      expect(parsePressureLevel(values.get('kern.memorystatus_vm_pressure_level'))).toBe('warn')
    })
  },
)

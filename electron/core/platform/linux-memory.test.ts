import { totalmem } from 'node:os'
import { describe, expect, it } from 'vitest'
import { MemorySchema } from '../../contract/snapshot.ts'
import {
  createLinuxMemoryReader,
  parseCpuTicks,
  parseMeminfo,
  parsePageBytes,
  parsePressure,
  parseSwapOutPages,
  parseZramUsedBytes,
} from './linux-memory.ts'
import { cpuPercentBetween, ratesBetween } from './memory-rates.ts'

// Own sample with made-up numbers, in the format of proc_meminfo(5).
const meminfo = `MemTotal:       16000000 kB
MemFree:         1000000 kB
MemAvailable:    9000000 kB
SwapCached:            7 kB
SwapTotal:       2000000 kB
SwapFree:        1500000 kB
Zswap:              4096 kB
HugePages_Total:       0
`

describe('parseMeminfo', () => {
  it('reads kB lines as bytes', () => {
    expect(parseMeminfo(meminfo)).toEqual({
      totalBytes: 16_384_000_000,
      availableBytes: 9_216_000_000,
      swapTotalBytes: 2_048_000_000,
      swapFreeBytes: 1_536_000_000,
      zswapBytes: 4_194_304,
    })
  })
  it('leaves zswap unknown where the kernel has none', () => {
    expect(parseMeminfo(meminfo.replace(/^Zswap.*\n/m, ''))?.zswapBytes).toBeNull()
  })
  it.each([
    '',
    'MemTotal: 5 kB',
    meminfo.replace('MemAvailable', 'x'),
    meminfo.replace('9000000 kB', '9e6 kB'),
    meminfo.replace('16000000', '2'.repeat(400)),
  ])('answers null when a line is missing or strange', (text) => {
    expect(parseMeminfo(text)).toBeNull()
  })
})

describe('parsePressure', () => {
  const psi = (some: string, full: string) =>
    `some avg10=${some} avg60=0.00 avg300=0.00 total=5\nfull avg10=${full} avg60=0.00 avg300=0.00 total=1\n`
  it.each([
    ['0.00', '0.00', 'normal'],
    ['4.99', '4.99', 'normal'],
    ['5.00', '0.00', 'warn'],
    ['60.00', '4.99', 'warn'],
    ['5.10', '5.00', 'critical'],
  ])('some %s %%, full %s %%: %s', (some, full, level) => {
    expect(parsePressure(psi(some, full))).toBe(level)
  })
  it.each(['', 'some avg10=1.00 avg60=0 avg300=0 total=5', 'full avg10=nan', psi('x', '0.00')])(
    'answers null for %j',
    (text) => {
      expect(parsePressure(text)).toBeNull()
    },
  )
})

describe('CPU and swap counters', () => {
  it('sums the first line only, without counting guest time twice', () => {
    expect(parseCpuTicks('cpu  10 1 5 80 4 0 0 0 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n')).toEqual({
      total: 100,
      idle: 84,
    })
  })
  it.each(['', 'cpu0 1 2 3 4', 'cpu  1 2', 'cpu  a b c d', `cpu  1 2 3 ${'7'.repeat(400)}`])(
    'answers null for %j',
    (text) => {
      expect(parseCpuTicks(text)).toBeNull()
    },
  )
  it('stands blanks without end', () => {
    expect(parseCpuTicks(`cpu${' '.repeat(300_000)}x`)).toBeNull()
  })
  it('gives a share between two readings, and null when nothing can be said', () => {
    const before = { total: 1000, idle: 900 }
    expect(cpuPercentBetween(before, { total: 1200, idle: 1050 })).toBe(25)
    expect(cpuPercentBetween(before, before)).toBeNull()
    expect(cpuPercentBetween(before, { total: 1010, idle: 890 })).toBeNull()
  })
  it('turns swapped pages into bytes per second', () => {
    const cpu = null
    const before = { atMs: 1000, swapOutPages: 50, cpu }
    const after = { atMs: 3000, swapOutPages: 60, cpu }
    expect(ratesBetween(before, after, 4096).swapOutBytesPerSecond).toBe(20_480)
    expect(ratesBetween(null, after, 4096).swapOutBytesPerSecond).toBeNull()
    expect(ratesBetween(before, after, null).swapOutBytesPerSecond).toBeNull()
    expect(ratesBetween(after, { ...before, atMs: 9000 }, 4096).swapOutBytesPerSecond).toBeNull()
    expect(ratesBetween(before, { ...after, swapOutPages: null }, 4096).swapOutBytesPerSecond).toBeNull()
  })
  it('reads pswpout, and not its neighbours', () => {
    expect(parseSwapOutPages('pswpin 3\npswpout 42\nthp_swpout 9\n')).toBe(42)
    expect(parseSwapOutPages('pswpin 3\n')).toBeNull()
    expect(parseSwapOutPages(`pswpout ${'9'.repeat(400)}\n`)).toBeNull()
  })
})

describe('zram and page size', () => {
  it('takes the third column of mm_stat', () => {
    expect(
      parseZramUsedBytes('  819200   40960   65536        0   65536        0        0        0        0\n'),
    ).toBe(65_536)
    expect(parseZramUsedBytes('12 34')).toBeNull()
    expect(parseZramUsedBytes(`12 34 ${'8'.repeat(400)} 0`)).toBeNull()
  })
  it('finds the page size in an aux vector, and nothing in a broken one', () => {
    const words = (...values: bigint[]) => Buffer.from(BigUint64Array.from(values).buffer)
    expect(parsePageBytes(words(33n, 1n, 6n, 65_536n, 0n, 0n))).toBe(65_536)
    expect(parsePageBytes(words(0n, 0n, 6n, 4096n))).toBeNull()
    expect(parsePageBytes(words(6n, 7n))).toBeNull()
    expect(parsePageBytes(Buffer.alloc(5))).toBeNull()
  })
})

describe.skipIf(process.platform !== 'linux')('memory of this machine (Linux only)', () => {
  it('agrees with what the system says, and knows rates from the second reading on', async () => {
    const read = createLinuxMemoryReader()
    const first = MemorySchema.parse(await read())
    expect(first.totalBytes).toBe(totalmem())
    expect(first.usedBytes + first.availableBytes).toBe(first.totalBytes)
    expect(first).toMatchObject({
      wiredBytes: null,
      gpuLimitBytes: null,
      swapOutBytesPerSecond: null,
      cpuPercent: null,
    })
    // Ten clock ticks of work, so that CPU time has passed between the readings.
    const until = performance.now() + 100
    while (performance.now() < until);
    const second = MemorySchema.parse(await read())
    expect(second.cpuPercent).toBeGreaterThan(0)
    expect(second.swapOutBytesPerSecond).not.toBeNull()
  })
})

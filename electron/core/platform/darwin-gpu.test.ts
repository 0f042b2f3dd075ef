// `ioreg` of the GPU: small samples with made-up numbers, and the recorded ones.
import { describe, expect, it } from 'vitest'
import { parseGpuUse, readDarwinGpuUse } from './darwin-gpu.ts'
import { createTestMac } from './test-support/mac.ts'
import { hasRecordings, readRecording } from './test-support/recordings.ts'

/** Made up, after the form of the recordings. */
const block = (...pairs: readonly string[]): string =>
  `+-o AGXAcceleratorG15X  <class AGXAcceleratorG15X, id 0x100000a1b>\n    {\n      "PerformanceStatistics" = {${pairs.join(',')}}\n      "gpu-core-count" = 60\n    }\n`

describe('parseGpuUse', () => {
  it.each([
    ['"In use system memory (driver)"=1', '"Device Utilization %"=71', '"In use system memory"=9000'],
    ['"In use system memory"=9000', '"Device Utilization %"=71', '"In use system memory (driver)"=1'],
  ])('finds its keys in any order, and not the one that begins alike', (...pairs) => {
    expect(parseGpuUse(block(...pairs))).toEqual({ busyPercent: 71, usedBytes: 9000 })
  })

  it('takes the busiest of several, and their memory together', () => {
    const one = block('"Device Utilization %"=3', '"In use system memory"=10')
    const two = block('"Device Utilization %"=40', '"In use system memory"=5')
    expect(parseGpuUse(one + two)).toEqual({ busyPercent: 40, usedBytes: 15 })
  })

  it.each([
    ['', null],
    ['another format', null],
    [block('"Tiler Utilization %"=4'), null],
    [block('"In use system memory (driver)"=0'), null],
    [block('"Device Utilization %"=412', '"In use system memory"=7'), { busyPercent: null, usedBytes: 7 }],
  ])('never gives a number that is not there: %j', (output, expected) => {
    expect(parseGpuUse(output)).toEqual(expected)
  })
})

describe.skipIf(!hasRecordings)('recorded ioreg (skipped where the recordings are not)', () => {
  it.each([
    ['ioaccelerator-m1pro-macos12.6-top.txt', 2, 340_983_808],
    ['ioaccelerator-m4-full.txt', 17, 430_571_520],
    ['ioreg-l-m1-agxaccelerator-block.txt', 0, 6_373_376],
    ['performance-statistics-m1-2021.txt', 16, 448_659_456],
    ['performance-statistics-m2.txt', 54, 855_785_472],
  ])('%s', (name, busyPercent, usedBytes) => {
    expect(parseGpuUse(readRecording(`ioreg/${name}`))).toEqual({ busyPercent, usedBytes })
  })
})

describe('readDarwinGpuUse', () => {
  it('asks ioreg, and knows nothing when it fails', async () => {
    const mac = createTestMac({ executables: true })
    const stdout = block('"Device Utilization %"=8', '"In use system memory"=4096')
    mac.change((state) => {
      state.replies['ioreg'] = { exitCode: 0, stdout, stderr: '' }
    })
    expect(await readDarwinGpuUse(mac.run)).toEqual({ busyPercent: 8, usedBytes: 4096 })
    expect(mac.journal()).toEqual(['ioreg -r -d 1 -w 0 -c IOAccelerator'])
    mac.change((state) => {
      state.replies['ioreg'] = { exitCode: 1, stdout, stderr: '' }
    })
    expect(await readDarwinGpuUse(mac.run)).toBeNull()
    mac.remove()
  })
})

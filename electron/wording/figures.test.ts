import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatContext,
  formatCount,
  formatDuration,
  formatMilliseconds,
  formatPercent,
  formatRate,
  formatReserve,
  formatRoughDuration,
  formatShare,
} from './figures.ts'

describe('figures', () => {
  it('shows reserved, used and held, or nothing', () => {
    const disk = { totalBytes: 68_719_476_736, usedBytes: 21_400_000_000, heldBytes: 23_100_000_000 }
    expect(formatReserve(disk)).toBe('64 GiB reserved, 19.9 used, 21.5 held')
    for (const unread of [{ heldBytes: null }, { usedBytes: null }, { totalBytes: null }])
      expect(formatReserve({ ...disk, ...unread })).toBeNull()
    expect(formatReserve({ totalBytes: 1, usedBytes: 1 })).toBeNull()
  })

  it('never shows 0 for an unknown value', () => {
    for (const format of [
      formatBytes,
      formatContext,
      formatCount,
      formatDuration,
      formatMilliseconds,
      formatPercent,
      formatRate,
    ]) {
      expect(format(null)).toBe('–')
      expect(format(0)).toMatch(/^0/)
    }
    expect(formatShare(null, null)).toBe('– of –')
    expect(formatShare(null, 64e9)).toBe('– of 59.6 GiB')
  })

  it.each([
    [999, '999 B'],
    [21_400_000_000, '19.9 GiB'],
    [274_877_906_944, '256 GiB'],
    [268_435_456, '256 MiB'],
    [1024, '1 KiB'],
    [10_240, '10 KiB'],
    [1_073_217_536, '1.0 GiB'],
    [1_073_217_535, '1023 MiB'],
    [1_099_457_840_742, '1023.9 GiB'],
    [1_099_511_627_775, '1.0 TiB'],
    [1_500_000_000_000, '1.4 TiB'],
  ])('bytes %d: %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [21_400_000_000, 68_719_476_736, '19.9 of 64 GiB'],
    [120_000_000, 268_435_456, '114 of 256 MiB'],
    [40_000_000, 68_719_476_736, '0.0 of 64 GiB'],
    [0, 500, '0 B of 500 B'],
  ])('share %d of %d: %s', (used, total, text) => expect(formatShare(used, total)).toBe(text))

  it.each([
    [131_072, '128k'],
    [32_768, '32k'],
    [1536, '1.5k'],
    [1023, '1023'],
    [1_048_575, '1M'],
    [1_258_291, '1.2M'],
    [16_777_216, '16M'],
  ])('context %d: %s', (tokens, text) => expect(formatContext(tokens)).toBe(text))

  it.each([
    [1_234_567, '1.2M'],
    [999, '999'],
    [9_999, '10k'],
    [999_999, '1M'],
  ])('count %d: %s', (count, text) => expect(formatCount(count)).toBe(text))

  it.each([
    [18.24, '18.2'],
    [99.96, '100'],
    [168.4, '168'],
    [12_345, '12k'],
  ])('rate %d: %s', (rate, text) => expect(formatRate(rate)).toBe(text))

  it.each([
    [0.62, '62 %'],
    [0.999, '99 %'],
    [1, '100 %'],
  ])('percent %d: %s', (share, text) => expect(formatPercent(share)).toBe(text))

  it.each([
    [273_600, '3 d 4 h'],
    [86_400, '1 d'],
    [312, '5 min 12 s'],
    [59.9, '59 s'],
    [0.4, '0 s'],
  ])('duration %d: %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

  it.each([
    [7_319, '2 h 1 min'],
    [119.9, '1 min'],
    [59.9, '59 s'],
  ])('rough duration %d: %s', (seconds, text) => expect(formatRoughDuration(seconds)).toBe(text))

  it.each([
    [480.4, '480 ms'],
    [999.6, '1.0 s'],
    [8400, '8.4 s'],
    [99_960, '1 min 39 s'],
  ])('milliseconds %d: %s', (milliseconds, text) => expect(formatMilliseconds(milliseconds)).toBe(text))
})

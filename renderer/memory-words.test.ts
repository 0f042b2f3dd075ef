// The memory bar adds up, and what is planned is not shown as measured.
import { expect, test } from 'vitest'
import { describeMemory, describeStrain, describeVerdict } from './memory-words.ts'
import { sampleMap, sampleMemory } from './test-support/sample-snapshot.ts'

test('the segments fill the bar, the forge in two', () => {
  const words = describeMemory({ memory: sampleMemory, memoryMap: sampleMap })
  expect(words?.segments.map(({ id }) => id)).toEqual([
    'engine',
    'draft',
    'kv',
    'compute',
    'forge',
    'forge-reserve',
    'system',
    'linker',
    'free',
  ])
  expect(words?.segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6)
  expect(words?.legend.find(({ id }) => id === 'forge')?.value).toBe('19.9 of 64')
  expect(words?.legend.filter(({ planned }) => planned).map(({ id }) => id)).toEqual([
    'system',
    'linker',
    'free',
  ])
  expect(words?.wiredShare).toBeCloseTo(131 / 274.88, 2)
})

test('a plan that does not fit is drawn whole, and longer than the machine', () => {
  const memoryMap = {
    ...sampleMap,
    parts: [{ id: 'engine', bytes: 549_755_813_888, usedBytes: null, source: 'planned' } as const],
  }
  const words = describeMemory({ memory: sampleMemory, memoryMap })
  expect(words?.segments).toEqual([{ id: 'engine', share: 1 }])
  expect(words?.limitShare).toBeCloseTo(0.375, 3)
})

test('without a map the system’s own reading, without either nothing', () => {
  expect(describeMemory({ memory: sampleMemory, memoryMap: null })?.legend.map(({ label }) => label)).toEqual(
    ['Used', 'Available'],
  )
  expect(describeMemory({ memory: null, memoryMap: null })).toBeNull()
})

test('units of different size keep their names', () => {
  const memoryMap = {
    ...sampleMap,
    parts: sampleMap.parts.map((part) => (part.id === 'draft' ? { ...part, bytes: 300_000_000 } : part)),
  }
  const values = describeMemory({ memory: sampleMemory, memoryMap })?.legend.map(({ value }) => value)
  expect(values).toContain('286 MiB')
  expect(values).toContain('69.8 GiB')
})

test('swapping out is a strain before the system calls it one', () => {
  expect(describeStrain(sampleMemory)).toEqual({ level: 'normal', words: ['pressure normal', 'no swap'] })
  expect(describeStrain({ ...sampleMemory, swapOutBytesPerSecond: 12e6 })).toEqual({
    level: 'warn',
    words: ['pressure normal', 'swapping 11 MiB/s'],
  })
  // A notice of it is due from here on, and not before.
  expect(describeStrain({ ...sampleMemory, swapOutBytesPerSecond: 1e6 }).level).toBe('warn')
  expect(describeStrain({ ...sampleMemory, swapUsedBytes: 3e9, swapOutBytesPerSecond: 999_999 })).toEqual({
    level: 'normal',
    words: ['pressure normal', 'swap 2.8 GiB'],
  })
  expect(describeStrain({ ...sampleMemory, pressure: null }).level).toBe('unknown')
  expect(describeStrain({ ...sampleMemory, swapUsedBytes: null }).words).toContain('swap not known')
})

test.each([
  ['fits', 41.9e9, '39.0 GiB spare'],
  ['fits-without-linker-reserve', 0, 'no room for the linker'],
  ['does-not-fit', -6.2e9, '5.8 GiB too much'],
] as const)('%s', (verdict, spareBytes, words) => {
  expect(describeVerdict({ parts: [], verdict, spareBytes })).toBe(words)
})

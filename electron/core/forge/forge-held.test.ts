import { expect, it } from 'vitest'
import { heldBytesOf, howToWire } from './forge-held.ts'

it('knows what a program holds, and claims nothing of the others', () => {
  expect(heldBytesOf({ kind: 'program', pid: 1, residentBytes: 7 })).toBe(7)
  expect(heldBytesOf({ kind: 'program', pid: 1, residentBytes: null })).toBeNull()
  for (const backing of [{ kind: 'kernel' }, { kind: 'pages' }, null] as const)
    expect(heldBytesOf(backing)).toBeNull()
})

it('names the disk that root would attach', () => {
  const spec = {
    volumeName: 'X',
    sizeBytes: 64 * 2 ** 30,
    mountPoint: '/Volumes/X',
    filesystem: 'hfs+',
  } as const
  expect(howToWire(spec)).toContain('sudo hdik -nomount ram://134217728')
})

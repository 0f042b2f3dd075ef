import { expect, it } from 'vitest'
import { howToWire } from './forge-held.ts'

it('names the disk that root would attach', () => {
  const spec = {
    volumeName: 'X',
    sizeBytes: 64 * 2 ** 30,
    mountPoint: '/Volumes/X',
    filesystem: 'hfs+',
  } as const
  expect(howToWire(spec)).toContain('sudo hdik -nomount ram://134217728')
})

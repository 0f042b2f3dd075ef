import { describe, expect, it } from 'vitest'
import type { RamDisk } from '../../contract/snapshot.ts'
import type { RamDiskBacking } from '../platform/platform.ts'
import { type ForgeMemoryFacts, judgeForgeMemory } from './checks-on-forge-memory.ts'

const GiB = 2 ** 30
const spec = { volumeName: 'X', sizeBytes: 64 * GiB, mountPoint: '/Volumes/X', filesystem: 'hfs+' } as const
const disk: RamDisk = {
  mountPoint: '/Volumes/X',
  mounted: true,
  kind: 'hfs+',
  totalBytes: 64 * GiB,
  usedBytes: 20 * GiB,
}
const judge = (backing: RamDiskBacking | null, over: Partial<ForgeMemoryFacts> = {}) =>
  judgeForgeMemory({ backing, disk, spec, memory: { swapUsedBytes: 0, swapOutBytesPerSecond: 0 }, ...over })
const program = (residentBytes: number | null): RamDiskBacking => ({
  kind: 'program',
  pid: 77,
  residentBytes,
})
const swapping = { memory: { swapUsedBytes: GiB, swapOutBytesPerSecond: 5_000_000 } }

describe('judgeForgeMemory', () => {
  it('reports reserved, used and held separately', () => {
    expect(judge(program(21 * GiB))).toMatchObject({
      level: 'ok',
      found: expect.stringMatching(
        /64\.00 GiB reserved, 20\.00 GiB used, 21\.00 GiB held in memory by process 77/,
      ),
    })
    expect(judge({ kind: 'kernel' })).toMatchObject({ level: 'ok', found: expect.stringContaining('wired') })
    expect(judge({ kind: 'pages' }).level).toBe('ok')
  })

  it('reports memory that deleted files still hold', () => {
    expect(judge(program(50 * GiB)).found).toContain('only ejecting frees')
  })

  it('warns when less is in memory than is used, or the system swaps, and suggests how to wire it', () => {
    for (const verdict of [judge(program(10 * GiB)), judge(program(21 * GiB), swapping)])
      expect(verdict).toMatchObject({
        level: 'warn',
        mend: expect.stringContaining('sudo hdik -nomount ram://134217728'),
      })
    expect(judge({ kind: 'pages' }, swapping).level).toBe('warn')
    expect(judge({ kind: 'kernel' }, swapping).level).toBe('ok')
  })

  it('guesses nothing', () => {
    expect(judge(null).level).toBe('unknown')
    expect(judge(program(null)).level).toBe('unknown')
    expect(judge({ kind: 'kernel' }, { disk: { ...disk, usedBytes: null } }).found).toContain('unknown use')
  })
})

import { describe, expect, it } from 'vitest'
import type { RamDisk } from '../../contract/snapshot.ts'
import { judgeMount, judgeRoom, judgeSpotlight, readAccess } from './checks-on-forge.ts'

const GiB = 2 ** 30
const spec = { volumeName: 'X', sizeBytes: 64 * GiB, mountPoint: '/Volumes/X', filesystem: 'hfs+' } as const
const mounted: RamDisk = {
  mountPoint: '/Volumes/X',
  mounted: true,
  kind: 'hfs+',
  totalBytes: 64 * GiB,
  usedBytes: GiB,
}
const absent: RamDisk = {
  mountPoint: '/Volumes/X',
  mounted: false,
  kind: null,
  totalBytes: null,
  usedBytes: null,
}
const calm = {
  spec,
  place: { kind: 'missing' },
  isWanted: false,
  up: 'nexus up',
} as const

describe('judgeMount', () => {
  it('passes a disk of the right size, and an unmounted disk that is not wanted', () => {
    expect(judgeMount({ ...calm, disk: mounted }).level).toBe('ok')
    expect(judgeMount({ ...calm, disk: absent }).level).toBe('ok')
    expect(
      judgeMount({ ...calm, disk: { ...mounted, kind: 'shm-folder', totalBytes: 99 * GiB } }).level,
    ).toBe('ok')
  })

  it('warns of a wrong size, and of a missing disk', () => {
    expect(judgeMount({ ...calm, disk: { ...mounted, totalBytes: 32 * GiB } })).toMatchObject({
      level: 'warn',
      mend: 'nexus down --eject && nexus up',
    })
    expect(judgeMount({ ...calm, disk: { ...mounted, kind: 'shm-folder', totalBytes: GiB } }).level).toBe(
      'warn',
    )
    expect(judgeMount({ ...calm, disk: absent, isWanted: true })).toMatchObject({
      level: 'warn',
      mend: 'nexus up --only ramDisk',
    })
    expect(judgeMount({ ...calm, disk: { ...mounted, totalBytes: null } }).level).toBe('unknown')
  })

  it('fails on a plain folder in the way', () => {
    const filled = { kind: 'filled-folder', example: 'target' } as const
    expect(judgeMount({ ...calm, disk: absent, place: filled })).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('plain folder'),
      mend: 'mv /Volumes/X /Volumes/X.moved',
    })
    expect(judgeMount({ ...calm, disk: absent, place: { kind: 'file' } }).level).toBe('fail')
  })

  it('recognises its own link to a folder that a reboot removed', () => {
    const link = { kind: 'symlink', target: '/dev/shm/opta-nexus-0/X-12345678' } as const
    expect(judgeMount({ ...calm, disk: absent, place: link }).level).toBe('ok')
    expect(judgeMount({ ...calm, disk: absent, place: { ...link, target: '/data' } }).level).toBe('fail')
  })
})

describe('judgeRoom', () => {
  it.each([
    [0.5, 'ok'],
    [0.89, 'ok'],
    [0.9, 'warn'],
    [0.98, 'fail'],
  ] as const)('%d full: %s', (share, level) => {
    expect(judgeRoom({ ...mounted, usedBytes: share * 64 * GiB })?.level).toBe(level)
  })

  it('is unknown without figures, and does not apply without a mount', () => {
    expect(judgeRoom({ ...mounted, usedBytes: null })?.level).toBe('unknown')
    expect(judgeRoom(absent)).toBeNull()
  })
})

describe('readAccess', () => {
  it('passes a folder that can be read, and says when it cannot find out', async () => {
    expect(await readAccess(import.meta.dirname)).toMatchObject({ level: 'ok' })
    expect(await readAccess('/nonexistent')).toMatchObject({ level: 'unknown' })
  })
})

describe('judgeSpotlight', () => {
  // Self-written samples of the known wordings; not recorded.
  const said = (stdout: string) => ({ kind: 'exited', exitCode: 0, stdout, stderr: '' }) as const

  it.each([
    ['/Volumes/X:\n\tIndexing disabled.\n', false, 'ok'],
    ['/Volumes/X:\n\tIndexing and searching disabled.\n', false, 'ok'],
    ['/Volumes/X:\n\tIndexing enabled. \n', true, 'warn'],
    ['/Volumes/X:\n\tError: unknown indexing state.\n', true, 'ok'],
    ['/Volumes/X:\n\tError: unknown indexing state.\n', false, 'unknown'],
  ] as const)('%j, marker %s: %s', (text, hasMarker, level) => {
    expect(judgeSpotlight(said(text), hasMarker, '/Volumes/X').level).toBe(level)
  })
})

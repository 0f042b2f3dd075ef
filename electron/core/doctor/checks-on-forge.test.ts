import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RamDisk } from '../../contract.ts'
import {
  isBelow,
  judgeCargo,
  judgeMount,
  judgeRoom,
  judgeSpotlight,
  readCargoSetting,
} from './checks-on-forge.ts'

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
  cargoPointsThere: false,
  up: 'nexus up',
} as const

describe('judgeMount', () => {
  it('passes a mounted one of the right size, and none that nobody wants', () => {
    expect(judgeMount({ ...calm, disk: mounted }).level).toBe('ok')
    expect(judgeMount({ ...calm, disk: absent }).level).toBe('ok')
    expect(
      judgeMount({ ...calm, disk: { ...mounted, kind: 'shm-folder', totalBytes: 99 * GiB } }).level,
    ).toBe('ok')
  })

  it('warns of another size, and of one that is gone', () => {
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

  it('fails a plain folder in the way, and builds that go nowhere', () => {
    const filled = { kind: 'filled-folder', example: 'target' } as const
    expect(judgeMount({ ...calm, disk: absent, place: filled })).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('plain folder'),
      mend: 'mv /Volumes/X /Volumes/X.moved',
    })
    expect(judgeMount({ ...calm, disk: absent, place: { kind: 'file' } }).level).toBe('fail')
    expect(judgeMount({ ...calm, disk: absent, cargoPointsThere: true }).level).toBe('fail')
  })

  it('knows its own link to a folder that a reboot took', () => {
    const link = { kind: 'symlink', target: '/dev/shm/opta-nexus-0/X-12345678' } as const
    expect(judgeMount({ ...calm, disk: absent, place: link }).level).toBe('ok')
    expect(judgeMount({ ...calm, disk: absent, place: { ...link, target: '/data' } }).level).toBe('fail')
  })
})

describe('judgeRoom', () => {
  it.each([
    [0.5, 'ok'],
    [0.9, 'warn'],
    [0.98, 'fail'],
  ] as const)('%d full: %s', (share, level) => {
    expect(judgeRoom({ ...mounted, usedBytes: share * 64 * GiB })?.level).toBe(level)
  })

  it('does not know without figures, and does not apply without a mount', () => {
    expect(judgeRoom({ ...mounted, usedBytes: null })?.level).toBe('unknown')
    expect(judgeRoom(absent)).toBeNull()
  })
})

describe('judgeCargo', () => {
  const facts = {
    mountPoint: '/Volumes/X',
    diskBytes: 64 * GiB,
    setting: { kind: 'set', value: '/Volumes/X/build/{workspace-path-hash}' },
    configPath: '/h/.cargo/config.toml',
    source: 'file',
    targetDir: null,
  } as const

  it('passes builds that go there, each project by itself', () => {
    expect(judgeCargo(facts).level).toBe('ok')
    expect(judgeCargo({ ...facts, setting: { kind: 'set', value: '/Volumes/X/all' } }).level).toBe('warn')
    expect(
      judgeCargo({ ...facts, setting: { kind: 'set', value: '/Volumes/XY/{workspace-path-hash}' } }).level,
    ).toBe('warn')
  })

  it('gives the exact line where nothing points there', () => {
    expect(judgeCargo({ ...facts, setting: { kind: 'absent', hasBuildTable: false } })).toMatchObject({
      level: 'warn',
      mend: `printf '[build]\\n%s\\n' 'build-dir = "/Volumes/X/build/{workspace-path-hash}"' >> /h/.cargo/config.toml`,
    })
    // A second [build] table would break the file.
    expect(judgeCargo({ ...facts, setting: { kind: 'absent', hasBuildTable: true } }).mend).toMatch(
      /^Put this under/,
    )
  })

  it('does not send builds to a disk that is too small for them', () => {
    const small = { ...facts, diskBytes: GiB / 4 }
    expect(judgeCargo({ ...small, setting: { kind: 'absent', hasBuildTable: false } }).level).toBe('ok')
  })

  it('warns of target-dir, and does not know what it cannot read', () => {
    expect(judgeCargo({ ...facts, targetDir: '/Volumes/X/target' }).level).toBe('warn')
    expect(judgeCargo({ ...facts, setting: { kind: 'unclear', reason: 'odd' } }).level).toBe('unknown')
  })
})

describe('readCargoSetting', () => {
  let home = ''
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'nexus-doctor-cargo-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('reads the file, lets the environment win, and is null without cargo', async () => {
    expect(await readCargoSetting({}, home)).toBeNull()
    mkdirSync(join(home, '.cargo'))
    expect((await readCargoSetting({}, home))?.setting.kind).toBe('absent')
    writeFileSync(join(home, '.cargo', 'config.toml'), '[build]\nbuild-dir = "/a"\n')
    expect((await readCargoSetting({}, home))?.setting).toEqual({ kind: 'set', value: '/a' })
    expect(await readCargoSetting({ CARGO_BUILD_BUILD_DIR: '/b' }, home)).toMatchObject({
      setting: { kind: 'set', value: '/b' },
      source: 'environment',
    })
  })
})

describe('judgeSpotlight', () => {
  // Own samples after the known words; no recording is at hand.
  const said = (stdout: string) => ({ kind: 'exited', exitCode: 0, stdout, stderr: '' }) as const

  it.each([
    ['/Volumes/X:\n\tIndexing disabled.\n', false, 'ok'],
    ['/Volumes/X:\n\tIndexing enabled. \n', true, 'warn'],
    ['/Volumes/X:\n\tError: unknown indexing state.\n', true, 'ok'],
    ['/Volumes/X:\n\tError: unknown indexing state.\n', false, 'unknown'],
  ] as const)('%j, marker %s: %s', (text, hasMarker, level) => {
    expect(judgeSpotlight(said(text), hasMarker, '/Volumes/X').level).toBe(level)
  })
})

describe('isBelow', () => {
  it('compares whole names', () => {
    expect(isBelow('/a/b', '/a')).toBe(true)
    expect(isBelow('/a', '/a')).toBe(true)
    expect(isBelow('/ab', '/a')).toBe(false)
  })
})

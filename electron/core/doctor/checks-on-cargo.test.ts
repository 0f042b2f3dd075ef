import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RamDisk } from '../../contract/snapshot.ts'
import type { CargoReading } from '../forge/cargo-version.ts'
import { type CargoFacts, isBelow, judgeCargo, judgeSharing, readCargoSetting } from './checks-on-cargo.ts'

const GiB = 2 ** 30
const cargoOf = (minor: number): CargoReading => ({
  kind: 'found',
  version: { major: 1, minor, text: `1.${minor}.0` },
})
const nothing = { buildDir: null, targetDir: null, includes: [] }
const included = { ...nothing, includes: ['/Volumes/X/.nexus/cargo.toml'] }
const facts: CargoFacts = {
  settings: nothing,
  unclear: null,
  configPath: '/h/.cargo/config.toml',
  envBuildDir: null,
  envTargetDir: null,
  mountPoint: '/Volumes/X',
  diskBytes: 64 * GiB,
  mounted: true,
  prepared: true,
  cargo: cargoOf(95),
  up: 'nexus up',
}
const hashed = '/Volumes/X/build/{workspace-path-hash}'

describe('judgeCargo', () => {
  it('passes the include, whether mounted or not', () => {
    expect(judgeCargo({ ...facts, settings: included }).level).toBe('ok')
    expect(judgeCargo({ ...facts, settings: included, mounted: false, prepared: false })).toMatchObject({
      level: 'ok',
      found: expect.stringContaining('target/ on the disk now'),
    })
  })

  it('warns of an include without effect', () => {
    expect(judgeCargo({ ...facts, settings: included, prepared: false })).toMatchObject({
      level: 'warn',
      mend: 'nexus up --only ramDisk',
    })
    expect(judgeCargo({ ...facts, settings: included, cargo: cargoOf(93) })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('does not understand'),
    })
    const elsewhere = { ...included, buildDir: '/elsewhere' }
    expect(judgeCargo({ ...facts, settings: elsewhere }).level).toBe('warn')
  })

  it('accepts a fixed path only for a cargo without include', () => {
    const fixed = { ...facts, settings: { ...nothing, buildDir: hashed } }
    expect(judgeCargo({ ...fixed, cargo: cargoOf(92) }).level).toBe('ok')
    expect(judgeCargo({ ...fixed, cargo: cargoOf(92), mounted: false })).toMatchObject({
      level: 'fail',
      mend: 'nexus up --only ramDisk',
    })
    expect(judgeCargo(fixed)).toMatchObject({ level: 'warn', found: expect.stringContaining('they fail') })
    expect(judgeCargo({ ...facts, settings: { ...nothing, buildDir: '/Volumes/X/all' } })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining("each other's lock"),
    })
    expect(judgeCargo({ ...facts, envBuildDir: '/Volumes/XY/{workspace-path-hash}' }).level).toBe('warn')
  })

  it('suggests the command when cargo is not set up, but not for a disk that is too small', () => {
    expect(judgeCargo(facts)).toMatchObject({ level: 'warn', mend: 'nexus forge enable' })
    expect(judgeCargo({ ...facts, cargo: cargoOf(80) })).toMatchObject({ mend: 'rustup update' })
    expect(judgeCargo({ ...facts, diskBytes: GiB / 4 }).level).toBe('ok')
  })

  it('warns of target-dir on the RAM disk, and fails while that is not mounted', () => {
    const [set, written] = [
      { ...facts, envTargetDir: '/Volumes/X/target' },
      { ...facts, settings: { ...included, targetDir: '/Volumes/X/t' } },
    ]
    expect(judgeCargo(set).mend).toMatch(/^unset CARGO_TARGET_DIR/)
    expect(judgeCargo(written).level).toBe('warn')
    const failing = { level: 'fail', mend: 'nexus up --only ramDisk' }
    expect(judgeCargo({ ...set, mounted: false })).toMatchObject(failing)
    expect(judgeCargo({ ...written, mounted: false })).toMatchObject(failing)
  })

  it('reports an unclear file as unknown', () => {
    expect(judgeCargo({ ...facts, settings: null, unclear: 'odd' }).level).toBe('unknown')
  })
})

describe('readCargoSetting', () => {
  let home = ''
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'nexus-doctor-cargo-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('reads the file and the environment, and is null without cargo', async () => {
    expect(await readCargoSetting({}, home)).toBeNull()
    mkdirSync(join(home, '.cargo'))
    expect((await readCargoSetting({}, home))?.settings).toEqual(nothing)
    writeFileSync(join(home, '.cargo', 'config.toml'), 'include = ["/m/.nexus/cargo.toml"]\n')
    expect(await readCargoSetting({ CARGO_BUILD_BUILD_DIR: '/m/b' }, home)).toMatchObject({
      settings: { ...nothing, includes: ['/m/.nexus/cargo.toml'] },
      envBuildDir: '/m/b',
    })
    writeFileSync(join(home, '.cargo', 'config.toml'), '[build\n')
    expect(await readCargoSetting({}, home)).toMatchObject({
      settings: null,
      unclear: expect.stringContaining('TOML'),
    })
  })
})

describe('judgeSharing', () => {
  const disk: RamDisk = {
    mountPoint: '/Volumes/X',
    mounted: true,
    kind: 'hfs+',
    totalBytes: 64 * GiB,
    usedBytes: 0,
  }
  const line = (flags: string) => `/dev/disk4 on /Volumes/X (hfs, local, nodev, nosuid, ${flags})`

  it('warns of a volume without ownership', () => {
    expect(judgeSharing({ disk, sharedCheckouts: [], mountLine: line('noowners') })).toMatchObject({
      level: 'warn',
      mend: 'sudo diskutil enableOwnership /Volumes/X',
    })
    expect(judgeSharing({ disk, sharedCheckouts: [], mountLine: line('mounted by anna') }).level).toBe('ok')
  })

  it('tells whether other users can get to it', () => {
    const calm = { disk, mountLine: null, sharedCheckouts: [] }
    expect(judgeSharing({ ...calm, disk: { ...disk, kind: 'shm-folder' } }).found).toContain('only for you')
    expect(judgeSharing(calm).level).toBe('ok')
  })

  // Seen with cargo 1.95, a setgid checkout and umask 002: "failed to open: .../debug/.cargo-lock ... Permission denied".
  it('warns of a shared checkout, which only its first builder can build', () => {
    const sharedCheckouts = [{ path: '/srv/team/app', builtBy: 'anna' }]
    expect(judgeSharing({ disk, mountLine: null, sharedCheckouts })).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('/srv/team/app (anna)'),
      mend: expect.stringContaining('/srv/team/app/.cargo/config.toml'),
    })
    // Without ownership everyone may write everything.
    expect(judgeSharing({ disk, mountLine: line('noowners'), sharedCheckouts }).mend).toContain(
      'enableOwnership',
    )
  })
})

describe('isBelow', () => {
  it('compares whole names', () => {
    expect(isBelow('/a/b', '/a')).toBe(true)
    expect(isBelow('/a', '/a')).toBe(true)
    expect(isBelow('/ab', '/a')).toBe(false)
  })
})

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { RamDisk } from '../../contract/snapshot.ts'
import type { RamDiskControl, RamDiskSpec } from '../platform/platform.ts'
import { readCargoConfig } from './cargo-config-text.ts'
import { includePathOf, isPrepared, prepareForge, preparingForCargo } from './forge-layout.ts'

let mount: string
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'nexus-forge-'))
  chmodSync(mount, 0o1777)
  onTestFinished(() => rmSync(mount, { recursive: true }))
})
const modeOf = (...parts: string[]) => statSync(join(mount, ...parts)).mode & 0o7777

it('makes a file that cargo includes, and folders in which every user may build', () => {
  prepareForge(mount)
  const text = readFileSync(includePathOf(mount), 'utf8')
  expect(readCargoConfig(text)).toMatchObject({
    settings: { buildDir: `${mount}/build/{workspace-path-hash}{workspace-root}` },
  })
  expect([modeOf('.nexus'), modeOf('.nexus', 'cargo.toml'), modeOf('build')]).toEqual([0o755, 0o644, 0o755])
  expect([modeOf('build', '00'), modeOf('build', 'ff')]).toEqual([0o1777, 0o1777])
  prepareForge(mount)
  expect(readFileSync(includePathOf(mount), 'utf8')).toBe(text)
})

it('does not wait for a pipe in the place of the file that cargo includes', () => {
  mkdirSync(join(mount, '.nexus'))
  execFileSync('mkfifo', [includePathOf(mount)])
  expect(isPrepared(mount)).toBe(false)
})

it('trusts nothing that others could have put there or can write to', () => {
  mkdirSync(join(mount, '.nexus'))
  chmodSync(join(mount, '.nexus'), 0o777)
  expect(() => prepareForge(mount)).toThrow('.nexus is not a folder that only we can write to')
  expect(isPrepared(mount)).toBe(false)
})

const controlOf = (disk: () => Partial<RamDisk>): RamDiskControl => ({
  defaultMountPoint: () => mount,
  readBacking: async () => null,
  ignoresOwners: async () => false,
  mount: async () => ({ kind: 'mounted', already: false, note: 'as asked' }),
  eject: async () => ({ kind: 'done' }),
  read: async () => ({
    mountPoint: mount,
    mounted: true,
    kind: 'tmpfs',
    totalBytes: null,
    usedBytes: null,
    ...disk(),
  }),
})
const spec = (): RamDiskSpec => ({ volumeName: 'X', sizeBytes: 1, mountPoint: mount, filesystem: 'hfs+' })

it('is prepared by a mount, and again when it is seen emptied', async () => {
  const errors: Error[] = []
  const control = preparingForCargo(
    controlOf(() => ({})),
    (error) => errors.push(error),
  )
  expect(await control.mount(spec())).toMatchObject({ note: 'as asked' })
  expect(isPrepared(mount)).toBe(true)
  rmSync(join(mount, '.nexus'), { recursive: true })
  await control.read(spec())
  expect(isPrepared(mount)).toBe(true)
  expect(errors).toEqual([])
})

it('is not touched while it is not mounted: that would be a folder on the disk', async () => {
  const control = preparingForCargo(
    controlOf(() => ({ mounted: false })),
    () => {},
  )
  await control.read(spec())
  expect(existsSync(join(mount, '.nexus'))).toBe(false)
})

it('says once what stands in the way', async () => {
  const errors: Error[] = []
  const control = preparingForCargo(
    controlOf(() => ({})),
    (error) => errors.push(error),
  )
  writeFileSync(join(mount, 'build'), '')
  const outcome = await control.mount(spec())
  expect(outcome).toMatchObject({ kind: 'mounted', note: expect.stringContaining('build is not a folder') })
  await control.read(spec())
  expect(errors).toHaveLength(1)
})

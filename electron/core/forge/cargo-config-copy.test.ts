// The copy that takes a cargo config's place: as private as the file at every moment, and never left behind.
import { chmodSync, fstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createCargoConfigFiles } from './cargo-config-file.ts'
import { entriesFor } from './forge-enabling.ts'

const disk = vi.hoisted(() => {
  const modesAtWrite: number[] = []
  return { modesAtWrite, renameFails: (_path: string): boolean => false }
})

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>()
  return {
    ...fs,
    writeFileSync: (file: string | number, text: string) => {
      fs.writeFileSync(file, text)
      disk.modesAtWrite.push((typeof file === 'number' ? fstatSync(file) : statSync(file)).mode & 0o777)
    },
    renameSync: (from: string, to: string) => {
      if (disk.renameFails(to)) throw new Error('the disk went away')
      fs.renameSync(from, to)
    },
  }
})

const mount = '/Volumes/B'
const [include] = entriesFor(mount)

const makeConfig = () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-cargo-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'config.toml')
  writeFileSync(path, '[registry]\ntoken = "secret"\n')
  chmodSync(path, 0o600)
  disk.modesAtWrite.length = 0
  return { folder, path, files: createCargoConfigFiles(join(folder, 'record.json')) }
}

it('has the mode of the file before there is anything in it', () => {
  const { path, files } = makeConfig()
  expect(files.enable(path, include, mount).kind).toBe('changed')
  expect(disk.modesAtWrite).toEqual([0o600, 0o600])
})

it('is removed when it cannot take its place', () => {
  const { folder, path, files } = makeConfig()
  disk.renameFails = (to) => to === path
  onTestFinished(() => {
    disk.renameFails = () => false
  })
  expect(files.enable(path, include, mount)).toMatchObject({ kind: 'refused' })
  expect(readdirSync(folder).toSorted()).toEqual(['config.toml', 'record.json'])
})

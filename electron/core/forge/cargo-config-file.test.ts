import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { type CargoConfigFiles, configPathIn, createCargoConfigFiles } from './cargo-config-file.ts'
import { entriesFor } from './forge-enabling.ts'

let folder: string
let files: CargoConfigFiles
let path: string
const mount = '/Volumes/B'
const [include, buildDir] = entriesFor(mount)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-cargo-'))
  files = createCargoConfigFiles(join(folder, 'record.json'))
  path = join(folder, 'project', '.cargo', 'config.toml')
  mkdirSync(join(folder, 'project'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

const put = (text: string) => {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

it('makes a file and leaves nothing of it', () => {
  expect(files.enable(path, include, mount)).toEqual({ kind: 'changed', notes: [] })
  expect(files.enable(path, include, mount)).toEqual({ kind: 'already' })
  expect(files.edited()).toEqual([path])
  expect(files.disable(path, [include])).toMatchObject({ kind: 'changed' })
  expect(existsSync(join(folder, 'project', '.cargo'))).toBe(false)
  expect(files.edited()).toEqual([])
  expect(files.disable(path, [include])).toEqual({ kind: 'already' })
})

it('puts a file back to the byte, with its mode, through a link', () => {
  const text = 'include=["a.toml"]\r\n[build]\r\n  jobs=2 # x'
  writeFileSync(join(folder, 'dotfile'), text)
  chmodSync(join(folder, 'dotfile'), 0o640)
  mkdirSync(join(path, '..'))
  symlinkSync(join(folder, 'dotfile'), path)
  files.enable(path, include, mount)
  expect(readFileSync(path, 'utf8')).not.toBe(text)
  expect(statSync(join(folder, 'dotfile')).mode & 0o777).toBe(0o640)
  files.disable(path, [include])
  expect(readFileSync(join(folder, 'dotfile'), 'utf8')).toBe(text)
  expect(statSync(join(folder, 'dotfile')).mode & 0o777).toBe(0o640)
})

it('keeps what was edited since', () => {
  put('[net]\nretry = 1\n')
  files.enable(path, include, mount)
  writeFileSync(path, `${readFileSync(path, 'utf8')}[term]\nquiet = true\n`)
  files.disable(path, [include])
  expect(readFileSync(path, 'utf8')).toBe('[net]\nretry = 1\n[term]\nquiet = true\n')
})

it('never replaces a build-dir of the user, and says what a target-dir means', () => {
  put('[build]\nbuild-dir = "/mine"\n')
  expect(files.enable(path, include, mount)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('"/mine"'),
  })
  expect(readFileSync(path, 'utf8')).toBe('[build]\nbuild-dir = "/mine"\n')
  put('[build]\ntarget-dir = "/Volumes/B/target"\n')
  expect(files.enable(path, include, mount)).toMatchObject({
    kind: 'changed',
    notes: [expect.stringContaining('lost with it')],
  })
})

it('refuses a file that cargo could not read either', () => {
  put('[build\n')
  expect(files.enable(path, include, mount)).toMatchObject({ kind: 'refused' })
  expect(readFileSync(path, 'utf8')).toBe('[build\n')
})

it('takes an entry out that fails builds, and gives it back', () => {
  files.enable(path, buildDir, mount)
  const text = readFileSync(path, 'utf8')
  expect(files.park(buildDir)).toEqual([path])
  expect(existsSync(path)).toBe(false)
  expect(files.park(buildDir)).toEqual([])
  expect(files.edited()).toEqual([path])
  expect(files.unpark(buildDir, mount)).toEqual([path])
  expect(readFileSync(path, 'utf8')).toBe(text)
  expect(files.unpark(buildDir, mount)).toEqual([])
  files.park(buildDir)
  files.disable(path, [buildDir])
  expect(files.unpark(buildDir, mount)).toEqual([])
})

it('gives an entry back that two shells took out at the same time', () => {
  files.enable(path, buildDir, mount)
  const text = readFileSync(path, 'utf8')
  const other = createCargoConfigFiles(join(folder, 'record.json'))
  let isFirstLook = true
  /** Lets the other shell do all of its work after this one has read the file, and before it has judged it. */
  const slowly = {
    kind: 'build-dir',
    get value() {
      if (isFirstLook) {
        isFirstLook = false
        expect(other.park(buildDir)).toEqual([path])
      }
      return buildDir.kind === 'build-dir' ? buildDir.value : ''
    },
  } as const
  expect(files.park(slowly)).toEqual([])
  expect(isFirstLook).toBe(false)
  expect(existsSync(path)).toBe(false)
  expect(files.unpark(buildDir, mount)).toEqual([path])
  expect(readFileSync(path, 'utf8')).toBe(text)
})

it('marks an entry before it takes it out, so that a shell which is killed in between loses none', () => {
  files.enable(path, buildDir, mount)
  const text = readFileSync(path, 'utf8')
  // Its name leaves none for the copy that is written first (255 bytes): nothing can be taken out.
  const long = join(folder, 'project', 'c'.repeat(250))
  writeFileSync(long, `${text}[net]\n`)
  const recordPath = join(folder, 'record.json')
  writeFileSync(recordPath, readFileSync(recordPath, 'utf8').replaceAll(path, long))
  expect(files.park(buildDir)).toEqual([])
  expect(JSON.parse(readFileSync(recordPath, 'utf8'))).toMatchObject({ parked: [long] })
  expect(files.unpark(buildDir, mount)).toEqual([])
  expect(JSON.parse(readFileSync(recordPath, 'utf8'))).toMatchObject({ parked: [] })
})

it('edits the file that cargo prefers', () => {
  expect(configPathIn(folder)).toBe(join(folder, 'config.toml'))
  writeFileSync(join(folder, 'config'), '')
  expect(configPathIn(folder)).toBe(join(folder, 'config'))
})

// `nexus forge` with the real cargo: where builds go with the RAM disk, without it, and between two developers.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const sysroot = (() => {
  try {
    execFileSync('cargo', ['--version'])
    return execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  } catch {
    process.stderr.write('e2e/forge: SKIPPED, there is no cargo here (rustup.rs)\n')
    return null
  }
})()
const isRoot = process.getuid?.() === 0
if (sysroot !== null && !isRoot)
  process.stderr.write('e2e/forge: two developers SKIPPED, only root can be two users\n')

let folder: string
let nexus: NexusUnderTest
let children: ChildProcess[] = []
const cargoHomeBefore = process.env['CARGO_HOME']

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nexus-cargo-')))
  process.env['CARGO_HOME'] = join(folder, 'cargo-home')
  nexus = await createNexus({ ramDisk: { sizeMiB: 400, mountPoint: join(folder, 'mount') } })
  await expectDone('up', '--profile', nexus.profilePath, '--only', 'ramDisk')
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await nexus.dispose()
  rmSync(folder, { recursive: true, force: true })
  if (cargoHomeBefore === undefined) delete process.env['CARGO_HOME']
  else process.env['CARGO_HOME'] = cargoHomeBefore
})

const expectDone = async (...words: string[]) => {
  const result = await nexus.run(...words)
  expect(result, words.join(' ')).toMatchObject({ code: 0 })
  return result
}

interface Finished {
  readonly code: number | null
  readonly stderr: string
}

const run = (
  argv: readonly [string, ...string[]],
  cwd: string,
  options: { readonly uid?: number; readonly gid?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> => {
  const [file, ...args] = argv
  const child = spawn(file, args, { cwd, env: process.env, ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  let stderr = ''
  child.stderr.on('data', (piece) => {
    stderr += String(piece)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stderr }))
  })
}

const cargo = (...words: string[]) => ({
  in: (cwd: string) => run(['cargo', '--offline', ...words], cwd),
})

/** A package with a library of its own beside it; `buildScript` runs before it is compiled. */
const createPackage = (name: string, buildScript: string | null = null): string => {
  const path = join(folder, name)
  mkdirSync(join(path, 'src'), { recursive: true })
  mkdirSync(join(path, 'words', 'src'), { recursive: true })
  writeFileSync(
    join(path, 'Cargo.toml'),
    `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nwords = { path = "words" }\n\n[workspace]\nmembers = ["words"]\n`,
  )
  writeFileSync(join(path, 'src', 'main.rs'), 'fn main() { println!("{}", words::hello()) }\n')
  writeFileSync(join(path, 'words', 'Cargo.toml'), '[package]\nname = "words"\nversion = "0.1.0"\n')
  writeFileSync(join(path, 'words', 'src', 'lib.rs'), 'pub fn hello() -> &\'static str { "hello" }\n')
  if (buildScript !== null) writeFileSync(join(path, 'build.rs'), buildScript)
  return path
}

const StatusSchema = z.object({
  mounted: z.boolean(),
  cargo: z.object({ enabled: z.boolean() }),
  workspaces: z
    .array(
      z.object({
        workspace: z.string().nullable(),
        bytes: z.number().nullable(),
        owner: z.string(),
        lastBuildAt: z.number().nullable(),
        building: z.boolean().nullable(),
      }),
    )
    .nullable(),
})
const readStatus = async (...words: string[]) =>
  StatusSchema.parse(JSON.parse((await expectDone('forge', 'status', '--json', ...words)).stdout))

const program = (path: string, name: string) =>
  execFileSync(join(path, 'target', 'debug', name), { encoding: 'utf8' }).trim()
const intermediates = (path: string) => existsSync(join(path, 'target', 'debug', 'deps'))

describe.skipIf(sysroot === null)('with cargo', () => {
  it('keeps programs in the project and everything else on the RAM disk, separately for each workspace', async () => {
    const [a, b] = [createPackage('a'), createPackage('b')]
    await expectDone('forge', 'enable')
    const builds = await Promise.all([cargo('build').in(a), cargo('build').in(b)])
    for (const { code, stderr } of builds) {
      expect({ code, stderr }).toMatchObject({ code: 0 })
      // The package cache is one for all; a build folder is not.
      expect(stderr).not.toMatch(/Blocking.* (build|artifact) directory/)
    }
    expect([program(a, 'a'), intermediates(a), intermediates(b)]).toEqual(['hello', false, false])
    const { workspaces, cargo: said } = await readStatus()
    expect(said.enabled).toBe(true)
    expect(workspaces?.map(({ workspace }) => workspace).sort()).toEqual([a, b])
    for (const { bytes, lastBuildAt, building } of workspaces ?? []) {
      expect(bytes).toBeGreaterThan(100_000)
      expect(Date.now() - (lastBuildAt ?? 0)).toBeLessThan(60_000)
      expect(building).toBe(false)
    }
    const { ramDisk } = await nexus.until(({ ramDisk: disk }) => disk?.projects?.length === 2, 60_000)
    expect(ramDisk?.projects?.map(({ path }) => path).sort()).toEqual([a, b])
    expect((await cargo('build').in(a)).stderr).not.toContain('Compiling')
    // Taken back to the byte: there was no file.
    await expectDone('forge', 'disable')
    expect(existsSync(join(folder, 'cargo-home', 'config.toml'))).toBe(false)
  })

  it('keeps building without the RAM disk, ejected or torn away, and uses it again when it is back', async () => {
    const path = createPackage('a')
    await expectDone('forge', 'enable', path)
    await expectDone('down', '--only', 'ramDisk', '--eject')
    expect((await cargo('build').in(path)).code).toBe(0)
    expect([program(path, 'a'), intermediates(path)]).toEqual(['hello', true])
    // Not in a plain folder where the RAM disk should be.
    expect(existsSync(join(folder, 'mount'))).toBe(false)
    expect((await expectDone('forge', 'hook')).stderr).toContain('cargo builds in target/ on the disk')
    await expectDone('up', '--profile', nexus.profilePath, '--only', 'ramDisk')
    expect((await expectDone('forge', 'hook')).stderr).toBe('')
    expect((await cargo('build').in(path)).code).toBe(0)
    expect((await readStatus()).workspaces).toHaveLength(1)
    if (statSync(join(folder, 'mount')).dev !== statSync(folder).dev && isRoot) {
      execFileSync('umount', [join(folder, 'mount')])
      writeFileSync(join(path, 'src', 'main.rs'), 'fn main() { println!("without") }\n')
      expect((await cargo('build').in(path)).code).toBe(0)
      expect(program(path, 'a')).toBe('without')
    }
  })

  it('cleans the chosen workspaces, but never one that is being built', async () => {
    const wait = `fn main() { while !std::path::Path::new("go").exists() { std::thread::sleep(std::time::Duration::from_millis(20)) } }\n`
    const [idle, busy] = [createPackage('idle'), createPackage('busy', wait)]
    await expectDone('forge', 'enable')
    expect((await cargo('build').in(idle)).code).toBe(0)
    const build = cargo('build').in(busy)
    const isBuilding = async () =>
      (await readStatus()).workspaces?.find(({ workspace }) => workspace === busy)?.building === true
    while (!(await isBuilding())) expect(children.at(-1)?.exitCode).toBeNull()
    const named = await nexus.run('forge', 'clean', busy)
    expect(named).toMatchObject({ code: 1, stderr: expect.stringContaining('it is being built') })
    const all = JSON.parse((await expectDone('forge', 'clean', '--all', '--json')).stdout)
    expect(all).toMatchObject({ removed: [{ path: idle }], kept: [{ path: busy }] })
    writeFileSync(join(busy, 'go'), '')
    expect(await build).toMatchObject({ code: 0 })
    await expectDone('forge', 'clean', join(busy, 'src'))
    expect((await readStatus()).workspaces).toEqual([])
    expect((await cargo('build').in(busy)).stderr).toContain('Compiling busy')
  })

  it('leaves a config alone that says where builds go, and refuses a cargo that is too old', async () => {
    const path = createPackage('a')
    mkdirSync(join(path, '.cargo'))
    const own = '# mine\n[build]\nbuild-dir = "elsewhere"\n'
    writeFileSync(join(path, '.cargo', 'config.toml'), own)
    const refused = await nexus.run('forge', 'enable', path)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('"elsewhere"') })
    expect(readFileSync(join(path, '.cargo', 'config.toml'), 'utf8')).toBe(own)
    // A stand-in: no cargo before 1.91 is to be had everywhere.
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cargo'), '#!/bin/sh\necho "cargo 1.90.0 (840b83a10 2025-07-30)"\n', {
      mode: 0o755,
    })
    const before = process.env['PATH']
    process.env['PATH'] = `${bin}:${before}`
    try {
      const old = await nexus.run('forge', 'enable')
      expect(old).toMatchObject({ code: 1, stderr: expect.stringContaining('that came with 1.91') })
      expect(old.stderr).toContain('CARGO_TARGET_DIR=')
    } finally {
      process.env['PATH'] = before
    }
  })
})

describe.skipIf(sysroot === null || !isRoot)('two developers', () => {
  const developers = [61_001, 61_002]

  it('build side by side, and neither changes the other’s files or ours', async () => {
    // Root's own toolchain is closed to others: the same files by other names, or copies on another file system.
    const toolchain = join(folder, 'toolchain')
    try {
      execFileSync('cp', ['-al', sysroot ?? '', toolchain], { stdio: 'ignore' })
    } catch {
      rmSync(toolchain, { recursive: true, force: true })
      execFileSync('cp', ['-a', sysroot ?? '', toolchain])
    }
    execFileSync('chmod', ['0755', folder])
    await expectDone('forge', 'enable')
    const config = readFileSync(join(folder, 'cargo-home', 'config.toml'), 'utf8')
    const mount = join(folder, 'mount')
    const as = (uid: number) => {
      const home = join(folder, `home-${uid}`)
      const env = { HOME: home, PATH: `${join(toolchain, 'bin')}:/usr/bin:/bin` }
      return { home, env, run: (...argv: [string, ...string[]]) => run(argv, home, { uid, gid: uid, env }) }
    }
    for (const uid of developers) {
      const { home } = as(uid)
      mkdirSync(join(home, '.cargo'), { recursive: true })
      writeFileSync(join(home, '.cargo', 'config.toml'), config)
      execFileSync('cp', ['-r', createPackage(`p${uid}`), join(home, 'project')])
      execFileSync('chown', ['-R', `${uid}:${uid}`, home])
      chownSync(home, uid, uid)
    }
    const builds = await Promise.all(
      developers.map((uid) =>
        as(uid).run(
          'cargo',
          'build',
          '--offline',
          '--manifest-path',
          join(as(uid).home, 'project', 'Cargo.toml'),
        ),
      ),
    )
    for (const { code, stderr } of builds) expect({ code, stderr }).toMatchObject({ code: 0 })
    const { workspaces } = await readStatus()
    expect(workspaces?.map(({ owner, workspace }) => [owner, workspace]).sort()).toEqual(
      developers.map((uid) => [String(uid), join(as(uid).home, 'project')]),
    )
    const [first, second] = developers
    if (first === undefined || second === undefined) throw new Error('there are two')
    const theirs = execFileSync('find', [mount, '-user', String(first), '-name', 'CACHEDIR.TAG'], {
      encoding: 'utf8',
    }).trim()
    expect(theirs).toContain(String(first))
    const other = as(second)
    const attempts: readonly [string, ...string[]][] = [
      ['rm', '-rf', join(theirs, '..', 'debug')],
      ['mv', join(theirs, '..'), join(mount, 'taken')],
      ['touch', join(theirs, '..', 'debug', 'mine')],
      // What other developers' cargo reads, and our own state with its keys.
      ['sh', '-c', `echo >> '${join(mount, '.nexus', 'cargo.toml')}'`],
      ['mv', join(mount, '.nexus'), join(mount, 'taken')],
      ['touch', join(mount, 'build', 'mine')],
      ['ls', nexus.home],
    ]
    for (const argv of attempts)
      expect(await other.run(...argv), argv.join(' ')).not.toMatchObject({ code: 0 })
    const again = await as(first).run(
      'cargo',
      'build',
      '--offline',
      '--manifest-path',
      join(as(first).home, 'project', 'Cargo.toml'),
    )
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Compiling') })
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createCommandRunner } from '../platform/run-command.ts'
import { chooseForCleaning, cleanWorkspace, removeLeftovers } from './forge-clean.ts'
import { prepareForge } from './forge-layout.ts'
import { parseSizes, readForgeUse } from './forge-use.ts'

let mount: string
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'nexus-forge-'))
  onTestFinished(() => rmSync(mount, { recursive: true }))
  prepareForge(mount)
})

/** As cargo leaves it, in either of its layouts. */
const build = (hash: string, workspace: string, lock = '.cargo-lock'): string => {
  const buildDir = join(mount, 'build', hash, workspace)
  mkdirSync(join(buildDir, 'debug', 'deps'), { recursive: true })
  writeFileSync(join(buildDir, 'CACHEDIR.TAG'), '')
  writeFileSync(join(buildDir, '.rustc_info.json'), '{}')
  writeFileSync(join(buildDir, 'debug', lock), '')
  writeFileSync(join(buildDir, 'debug', 'deps', 'program'), Buffer.alloc(100_000, 1))
  return buildDir
}

const readUse = async (ignoresOwners = false) => {
  return (await readForgeUse(mount, { run: createCommandRunner(), ignoresOwners })).workspaces
}

/** Another process builds there, until it is ended. */
const lock = async (path: string): Promise<ChildProcess> => {
  const program = `use Fcntl ':flock'; $| = 1; open(F, '<', $ARGV[0]); flock(F, LOCK_EX); print "x"; <STDIN>`
  const child = spawn('perl', ['-e', program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  await once(child.stdout, 'data')
  return child
}

const hash = 'c2/38a3df8ab9a1f2'

it('finds every workspace by its place, with its size and age', async () => {
  build(hash, '/home/anna/my project')
  build('5b/04f2bbe46e424d', '', '.cargo-build-lock')
  mkdirSync(join(mount, 'build', '00', 'not-a-hash'))
  mkdirSync(join(mount, 'build', '00', '00000000000000'))
  const uses = await readUse()
  expect(uses.map(({ workspace, building }) => [workspace, building]).sort()).toEqual([
    [null, false],
    ['/home/anna/my project', false],
  ])
  for (const { bytes, lastCompiledAt, lockPaths } of uses) {
    expect(bytes).toBeGreaterThanOrEqual(100_000)
    expect(Math.abs(Date.now() - (lastCompiledAt ?? 0))).toBeLessThan(60_000)
    expect(lockPaths).toHaveLength(1)
  }
})

it('asks the workspace whose it is where the volume has no owners', async () => {
  const workspace = join(mount, 'home', 'anna', 'a')
  mkdirSync(workspace, { recursive: true })
  build(hash, workspace)
  build('5b/04f2bbe46e424d', '/nonexistent/b')
  build('7a/04f2bbe46e424d', '')
  const me = { uid: process.getuid?.(), owner: userInfo().username }
  const owners = async (ignoresOwners: boolean) =>
    new Map((await readUse(ignoresOwners)).map(({ workspace: path, uid, owner }) => [path, { uid, owner }]))
  expect(await owners(false)).toEqual(
    new Map([
      [workspace, me],
      ['/nonexistent/b', me],
      [null, me],
    ]),
  )
  const nobody = { uid: null, owner: null }
  expect(await owners(true)).toEqual(
    new Map<string | null, unknown>([
      [workspace, me],
      ['/nonexistent/b', nobody],
      [null, nobody],
    ]),
  )
  // The workspace's owner identifies another user's build, not the files, which look like one's own.
  if (process.getuid?.() === 0) {
    chownSync(workspace, 54_321, 54_321)
    expect((await owners(true)).get(workspace)).toEqual({ uid: 54_321, owner: '54321' })
  }
})

it('removes a workspace and its empty folders, and nothing beside it', async () => {
  build(hash, '/home/anna/a')
  build(hash, '/home/anna/b')
  const [first] = chooseForCleaning(await readUse(), { kind: 'workspace', path: '/home/anna/a/src' }, 0)
  if (first === undefined) throw new Error('a folder inside names its workspace')
  expect(await cleanWorkspace(first)).toEqual({ kind: 'removed' })
  expect((await readUse()).map(({ workspace }) => workspace)).toEqual(['/home/anna/b'])
  for (const use of await readUse()) await cleanWorkspace(use)
  expect(readdirSync(join(mount, 'build', 'c2'))).toEqual([])
})

it('never removes one that is being built', async () => {
  const buildDir = build(hash, '/home/anna/a')
  const child = await lock(join(buildDir, 'debug', '.cargo-lock'))
  const [use] = await readUse()
  if (use === undefined) throw new Error('it is listed')
  expect(use.building).toBe(true)
  expect(await cleanWorkspace(use)).toEqual({ kind: 'kept', reason: 'it is being built' })
  expect(existsSync(join(buildDir, 'debug', 'deps', 'program'))).toBe(true)
  child.kill()
  await once(child, 'exit')
  expect(await cleanWorkspace(use)).toEqual({ kind: 'removed' })
})

it('clears up after a removal that was killed, and leaves one that goes on', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  const [over, running] = [`.removing-${ended.pid}-1-1`, `.removing-${process.pid}-1-1`]
  for (const name of [over, running]) mkdirSync(join(mount, 'build', 'c2', name, 'x'), { recursive: true })
  await removeLeftovers(mount)
  expect(readdirSync(join(mount, 'build', 'c2'))).toEqual([running])
})

describe('which to clean', () => {
  it('goes by the last sign of a build: compiled, or only looked at by cargo', async () => {
    const [old, used] = [build(hash, '/w/old'), build('5b/04f2bbe46e424d', '/w/used')]
    const past = new Date(Date.now() - 9 * 86_400_000)
    for (const folder of [old, used]) {
      for (const name of ['debug/deps', 'debug', '.rustc_info.json'])
        utimesSync(join(folder, name), past, past)
    }
    utimesSync(join(used, '.rustc_info.json'), new Date(), past)
    const chosen = (days: number, uses: Awaited<ReturnType<typeof readUse>>) =>
      chooseForCleaning(uses, { kind: 'unused', days }, Date.now()).map(({ workspace }) => workspace)
    const uses = await readUse()
    expect(chosen(7, uses)).toEqual(['/w/old'])
    expect(chosen(10, uses)).toEqual([])
    expect(chosen(0, uses).sort()).toEqual(['/w/old', '/w/used'])
  })
})

it('takes no size of a folder of which a part may not be read', () => {
  const stdout = '4\t/m/a\n900\t/m/b c\n'
  const stderr =
    "du: cannot read directory '/m/a/x': Permission denied\ndu: cannot access '/m/b c/y': No such file or directory\n"
  expect([...parseSizes(stdout, stderr)]).toEqual([['/m/b c', 921_600]])
  // Digits without end would be Infinity.
  expect([...parseSizes(`${'1'.repeat(400)}\t/m/d\n`, '')]).toEqual([])
})

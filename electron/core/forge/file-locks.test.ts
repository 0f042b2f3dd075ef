import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { readLocks, withLocks } from './file-locks.ts'

let folder: string
const file = (name: string) => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-locks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of ['a', 'b']) writeFileSync(file(name), '')
})

/** Another process holds it, until it is ended. */
const hold = async (path: string): Promise<ChildProcess> => {
  const program = `use Fcntl ':flock'; $| = 1; open(F, '<', $ARGV[0]); flock(F, LOCK_EX); print "x"; <STDIN>`
  const child = spawn('perl', ['-e', program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  await once(child.stdout, 'data')
  return child
}

it('tells held from free, without waiting', async () => {
  const child = await hold(file('b'))
  expect(await readLocks([file('a'), file('b'), file('none')])).toEqual(['free', 'held', 'free'])
  child.kill()
  await once(child, 'exit')
  expect(await readLocks([file('b')])).toEqual(['free'])
  expect(await readLocks([])).toEqual([])
})

it('works under the locks, and only with all of them', async () => {
  let seen: readonly string[] = []
  const outcome = await withLocks([file('a'), file('b'), file('none')], async () => {
    seen = await readLocks([file('a'), file('b')])
  })
  expect([outcome, seen]).toEqual(['done', ['held', 'held']])
  expect(await readLocks([file('a')])).toEqual(['free'])
  await hold(file('b'))
  let worked = false
  const refused = await withLocks([file('a'), file('b')], async () => {
    worked = true
  })
  expect([refused, worked]).toEqual(['held', false])
  expect(await readLocks([file('a')])).toEqual(['free'])
})

it('lets go of the locks when the work fails', async () => {
  await expect(withLocks([file('a')], () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await readLocks([file('a')])).toEqual(['free'])
})

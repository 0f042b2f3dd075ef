// The lock between real processes: held by the kernel, gone with its owner.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestChild, type TestChild } from '../platform/test-support/child.ts'
import { acquireCoreLock, isLockHeld, readLockOwner } from './core-lock.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'nexus-lock-')), 'core.lock')
const owner = { pid: process.pid, since: 5 } as const

/** Another process with `acquireCoreLock`, `isLockHeld`, `path` and `owner` at hand; it says a first line and stays. */
const startElsewhere = (path: string, program: string): Promise<TestChild> =>
  startTestChild(process.execPath, [
    '--input-type=module',
    '-e',
    `import { DatabaseSync } from 'node:sqlite'
    import { acquireCoreLock, isLockHeld } from ${JSON.stringify(join(import.meta.dirname, 'core-lock.ts'))}
    const path = ${JSON.stringify(path)}
    const owner = { pid: process.pid, since: 1 }
    ${program}
    setInterval(() => {}, 1_000)`,
  ])

describe('a reader of the lock', () => {
  const children: TestChild[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) await child.end()
  })
  const start = async (path: string, program: string): Promise<TestChild> => {
    const child = await startElsewhere(path, program)
    children.push(child)
    return child
  }
  const makeFile = () => {
    const path = newPath()
    acquireCoreLock(path, owner)?.release()
    return path
  }

  it('is no other core to one that starts, and new readers and starters see that one', async () => {
    const path = makeFile()
    // As one that was suspended while it looked.
    await start(
      path,
      `const reader = new DatabaseSync(path, { readOnly: true })
      reader.exec('BEGIN; SELECT count(*) FROM sqlite_master')
      console.log('reads')`,
    )
    const core = await start(path, 'const lock = acquireCoreLock(path, owner); console.log(lock !== null)')
    expect(core.firstLine).toBe('true')
    expect(isLockHeld(path)).toBe(true)
    expect(acquireCoreLock(path, owner)).toBeNull()
    await core.end()
    expect(isLockHeld(path)).toBe(false)
  })

  it('that looks again and again keeps no core from starting', async () => {
    const path = makeFile()
    for (const _ of ['one', 'another']) await start(path, "console.log('looks'); for (;;) isLockHeld(path)")
    let refused = 0
    for (let round = 0; round < 200; round += 1) {
      const lock = acquireCoreLock(path, owner)
      if (lock === null) refused += 1
      lock?.release()
    }
    expect(refused).toBe(0)
  })
})

it('is no pipe, which SQLite would wait for', () => {
  const path = newPath()
  execFileSync('mkfifo', [path])
  const program = `import { acquireCoreLock, isLockHeld } from ${JSON.stringify(join(import.meta.dirname, 'core-lock.ts'))}
    for (const look of [acquireCoreLock, isLockHeld])
      try { look(${JSON.stringify(path)}, {}) } catch ({ message }) { console.log(message) }`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    // Broken, it would never end.
    timeout: 10_000,
  })
  expect(stdout).toBe(`${path} is a named pipe; allowed: a regular file\n`.repeat(2))
})

describe('acquireCoreLock', () => {
  it('lets one in, says who, and lets the next in after release', () => {
    const path = newPath()
    expect(isLockHeld(path)).toBe(false)
    const first = acquireCoreLock(path, owner)
    expect(first).not.toBeNull()
    expect(isLockHeld(path)).toBe(true)
    expect(acquireCoreLock(path, owner)).toBeNull()
    expect(readLockOwner(path)).toEqual(owner)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    first?.release()
    expect(isLockHeld(path)).toBe(false)
    const second = acquireCoreLock(path, owner)
    expect(second).not.toBeNull()
    second?.release()
  })

  it('is taken and released even when its owner cannot be saved', () => {
    const path = newPath()
    mkdirSync(join(`${path}.owner.json`, 'in-the-way'), { recursive: true })
    const told: string[] = []
    for (const _ of ['first', 'second']) {
      const lock = acquireCoreLock(path, owner, ({ message }) => told.push(message))
      expect(lock).not.toBeNull()
      expect(acquireCoreLock(path, owner, () => {})).toBeNull()
      lock?.release()
    }
    expect(told).toEqual(
      Array(2).fill(expect.stringContaining('could not save which process hosts the core')),
    )
  })

  it('ends with its owner, even by kill -9', async () => {
    const path = newPath()
    const child = await startElsewhere(
      path,
      "const lock = acquireCoreLock(path, owner); console.log(lock === null ? 'refused' : 'locked')",
    )
    expect(child.firstLine).toBe('locked')
    expect(acquireCoreLock(path, owner)).toBeNull()
    await child.end()
    const lock = acquireCoreLock(path, owner)
    expect(lock).not.toBeNull()
    lock?.release()
  })
})

// The lock between real processes: held by the kernel, gone with its owner.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { acquireCoreLock, isLockHeld, readLockOwner } from './core-lock.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'nexus-lock-')), 'core.lock')
const owner = { pid: process.pid, host: 'cli', since: 5 } as const

describe('acquireCoreLock', () => {
  it('lets one in, says who, and lets the next in after release', () => {
    const path = newPath()
    expect(isLockHeld(path)).toBe(false)
    const first = acquireCoreLock(path, owner)
    expect(first).not.toBeNull()
    expect(isLockHeld(path)).toBe(true)
    expect(acquireCoreLock(path, { ...owner, host: 'app' })).toBeNull()
    expect(readLockOwner(path)).toEqual(owner)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    first?.release()
    expect(isLockHeld(path)).toBe(false)
    const second = acquireCoreLock(path, owner)
    expect(second).not.toBeNull()
    second?.release()
  })

  it('is taken, and let go of, also where its owner cannot be written down', () => {
    const path = newPath()
    mkdirSync(join(`${path}.owner.json`, 'in-the-way'), { recursive: true })
    const told: string[] = []
    for (const _ of ['first', 'second']) {
      const lock = acquireCoreLock(path, owner, ({ message }) => told.push(message))
      expect(lock).not.toBeNull()
      expect(acquireCoreLock(path, owner, () => {})).toBeNull()
      lock?.release()
    }
    expect(told).toEqual(Array(2).fill(expect.stringContaining('could not be written down')))
  })

  it('ends with its owner, even by kill -9', async () => {
    const path = newPath()
    const program = `import { acquireCoreLock } from ${JSON.stringify(join(import.meta.dirname, 'core-lock.ts'))}
      const lock = acquireCoreLock(${JSON.stringify(path)}, { pid: process.pid, host: 'app', since: 1 })
      console.log(lock === null ? 'refused' : 'locked')
      setInterval(() => lock, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = await once(child.stdout, 'data')
    expect(String(said)).toBe('locked\n')
    expect(acquireCoreLock(path, owner)).toBeNull()
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const lock = acquireCoreLock(path, owner)
    expect(lock).not.toBeNull()
    lock?.release()
  })
})

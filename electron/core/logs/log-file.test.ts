import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLogForChild } from './log-file.ts'
import { createLogFolder } from './test-support/log-test-files.ts'

describe('openLogForChild', () => {
  it('makes the folder 0700 and the file 0600', () => {
    using log = createLogFolder()
    closeSync(openLogForChild(log.path))
    expect(statSync(log.path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(log.path)).mode & 0o777).toBe(0o700)
  })

  it('takes other people’s bits away from what exists, and keeps what it holds', () => {
    using log = createLogFolder()
    mkdirSync(dirname(log.path), { recursive: true })
    chmodSync(dirname(log.path), 0o755)
    writeFileSync(log.path, 'earlier run\n')
    chmodSync(log.path, 0o644)
    const fd = openLogForChild(log.path)
    writeSync(fd, 'this run\n')
    closeSync(fd)
    expect(statSync(log.path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(log.path)).mode & 0o777).toBe(0o700)
    expect(readFileSync(log.path, 'utf8')).toBe('earlier run\nthis run\n')
  })

  it('writes at the end after a truncation, with no hole', () => {
    using log = createLogFolder()
    const fd = openLogForChild(log.path)
    writeSync(fd, 'x'.repeat(5000))
    truncateSync(log.path, 0)
    writeSync(fd, 'after\n')
    closeSync(fd)
    expect(readFileSync(log.path, 'utf8')).toBe('after\n')
  })

  it('refuses a symbolic link and a FIFO without waiting for its reader', () => {
    using log = createLogFolder()
    mkdirSync(dirname(log.path), { recursive: true })
    symlinkSync('/dev/null', log.path)
    expect(() => openLogForChild(log.path)).toThrow(/ELOOP/)
    const fifo = `${log.path}.fifo`
    execFileSync('mkfifo', [fifo])
    expect(() => openLogForChild(fifo)).toThrow()
  })
})

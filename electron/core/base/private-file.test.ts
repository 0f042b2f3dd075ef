// Files for their owner alone: private from the first instant, whole or not at all.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isErrno, readFileOrNull, writePrivateFile } from './private-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-private-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('writePrivateFile', () => {
  it('makes a file of mode 0600 whatever the umask is', () => {
    const path = join(folder, 'key')
    const before = process.umask(0)
    try {
      writePrivateFile(path, 'secret\n')
    } finally {
      process.umask(before)
    }
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe('secret\n')
  })

  it('replaces a file that others may read, text and mode', () => {
    const path = join(folder, 'key')
    writeFileSync(path, 'old')
    chmodSync(path, 0o644)
    writePrivateFile(path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('gives a reader that has the old file open the old text to its end', () => {
    const path = join(folder, 'ledger')
    writePrivateFile(path, 'old')
    const inode = statSync(path).ino
    writePrivateFile(path, 'new')
    expect(statSync(path).ino).not.toBe(inode)
  })

  it('leaves nothing beside it, also when the place cannot be written', () => {
    const path = join(folder, 'taken')
    writePrivateFile(join(folder, 'fine'), 'x')
    expect(() => writePrivateFile(join(folder, 'missing', 'key'), 'x')).toThrow('ENOENT')
    writePrivateFile(path, 'x')
    expect(readdirSync(folder).sort()).toEqual(['fine', 'taken'])
  })

  it('leaves nothing beside it when the file cannot be replaced', () => {
    // A folder in the way: rename(2) refuses.
    mkdirSync(join(folder, 'key'))
    expect(() => writePrivateFile(join(folder, 'key'), 'x')).toThrow()
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('writes long text whole', () => {
    const path = join(folder, 'long')
    const text = 'ü'.repeat(3_000_000)
    writePrivateFile(path, text)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})

describe('readFileOrNull', () => {
  it('is null only where there is no file', () => {
    expect(readFileOrNull(join(folder, 'none'))).toBeNull()
    writeFileSync(join(folder, 'empty'), '')
    expect(readFileOrNull(join(folder, 'empty'))).toBe('')
    expect(() => readFileOrNull(folder)).toThrow('is a folder; allowed: a regular file')
  })
})

describe('isErrno', () => {
  it('knows the code, not the kind, of an error', () => {
    expect(isErrno(Object.assign(new Error('x'), { code: 'EEXIST' }), 'EEXIST')).toBe(true)
    expect(isErrno(Object.assign(new Error('x'), { code: 'EEXIST' }), 'ENOENT')).toBe(false)
    expect(isErrno(new Error('ENOENT'), 'ENOENT')).toBe(false)
    expect(isErrno({ code: 'ENOENT' }, 'ENOENT')).toBe(false)
  })
})

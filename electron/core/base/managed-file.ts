// Keeps our block in a file on disk up to date, and never touches what a person wrote.
import { randomBytes } from 'node:crypto'
import { chmodSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Block, type MarkStyle, putBlock, readBlock } from './marked-block.ts'
import { isErrno, readFileOrNull } from './private-file.ts'
import { makeFolders } from './regular-file.ts'

export type BlockState =
  /** There is no such file. */
  | { readonly kind: 'no-file' }
  /** The file has no block of ours. */
  | { readonly kind: 'no-block' }
  | { readonly kind: 'current' }
  /** Made from other facts than hold now. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'edited' }
  | { readonly kind: 'broken'; readonly reason: string }

/** @param isCurrent whether a block with these facts still says what holds */
export const readBlockState = (path: string, isCurrent: (facts: string) => boolean): BlockState => {
  const text = readFileOrNull(path)
  if (text === null) return { kind: 'no-file' }
  const reading = readBlock(text)
  switch (reading.kind) {
    case 'absent':
      return { kind: 'no-block' }
    case 'intact':
      return { kind: isCurrent(reading.facts) ? 'current' : 'outdated' }
    case 'edited':
    case 'broken':
      return reading
  }
}

/**
 * Puts the block into the file, which is made when there is none. The caller has looked at the state first: edits
 * inside an old block would be lost. Throws an Error when the marks are broken, and the system's when it cannot write.
 */
export const writeBlock = (path: string, block: Block, style: MarkStyle): void => {
  const text = readFileOrNull(path)
  const next = putBlock(text ?? '', block, style)
  if (next === text) return
  if (text === null) {
    makeFolders(dirname(path))
    writeFileSync(path, next, { flag: 'wx', mode: 0o644 })
  } else replaceFile(path, next)
}

/** Whole or not at all; through links (CLAUDE.md is often one to AGENTS.md), with the file's own mode. */
const replaceFile = (path: string, text: string): void => {
  const real = realpathSync(path)
  const { mode, uid } = statSync(real)
  if (uid !== process.getuid?.()) {
    // A rename would make the file ours; its owner's it stays.
    writeFileSync(real, text)
    return
  }
  const temporary = `${real}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: mode & 0o777 })
    chmodSync(temporary, mode & 0o777)
    renameSync(temporary, real)
  } catch (error) {
    rmSync(temporary, { force: true })
    // A folder in which nothing may be made, around a file that may be written.
    if (!isErrno(error, 'EACCES') && !isErrno(error, 'EPERM')) throw error
    writeFileSync(real, text)
  }
}

// Updates our block in a file on disk without touching the user's text.
import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Block, type MarkStyle, putBlock, readBlock } from './marked-block.ts'
import { readFileOrNull } from './private-file.ts'
import { makeFolders } from './regular-file.ts'
import { replaceFile } from './replace-file.ts'

export type BlockState =
  /** There is no such file. */
  | { readonly kind: 'no-file' }
  /** The file has no block of ours. */
  | { readonly kind: 'no-block' }
  | { readonly kind: 'current' }
  /** The facts have changed since it was written. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'edited' }
  | { readonly kind: 'broken'; readonly reason: string }

/** @param isCurrent whether a block with these facts is up to date */
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
 * Writes the block into the file, and creates the file if needed. The caller must check the state first: edits inside an old
 * block are lost. Throws an Error when the marks are broken, and the system's error when it can't write.
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

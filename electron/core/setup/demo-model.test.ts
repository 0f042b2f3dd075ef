import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { assembleParts } from './demo-model.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nexus-model-'))
  writeFileSync(join(dir, 'one'), 'GGUF made')
  writeFileSync(join(dir, 'two'), ' up')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const parts = () => [join(dir, 'one'), join(dir, 'two')]
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const signal = new AbortController().signal

describe('assembleParts', () => {
  it('joins the parts in order, over what a cut-short run left, and removes them', async () => {
    writeFileSync(join(dir, 'model.gguf.partial'), 'left over')
    await assembleParts(parts(), join(dir, 'model.gguf'), hashOf('GGUF made up'), signal)
    expect(readdirSync(dir)).toEqual(['model.gguf'])
    expect(readFileSync(join(dir, 'model.gguf'), 'utf8')).toBe('GGUF made up')
  })

  it('leaves nothing under the final name when the hash is wrong', async () => {
    const assembling = assembleParts(parts(), join(dir, 'model.gguf'), hashOf('something else'), signal)
    await expect(assembling).rejects.toThrow('instead of')
    expect(readdirSync(dir)).toEqual([])
  })

  it('stops when cancelled', async () => {
    const assembling = assembleParts(
      parts(),
      join(dir, 'model.gguf'),
      hashOf('GGUF made up'),
      AbortSignal.abort(),
    )
    await expect(assembling).rejects.toThrow('aborted')
    expect(existsSync(join(dir, 'model.gguf'))).toBe(false)
  })
})

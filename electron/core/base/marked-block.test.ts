// Our part of the user's file: their text is kept byte for byte, their edits in ours are detected.
import { describe, expect, it } from 'vitest'
import { markdownMarks, putBlock, readBlock, yamlMarks } from './marked-block.ts'

const block = { body: 'four slots\n98,304 tokens', facts: 'a1' }
const before = '# Project\n\nUse tabs.\n'

describe('putBlock', () => {
  it('is appended, found again, and says what it was made from', () => {
    const text = putBlock(before, block, markdownMarks)
    expect(text.startsWith(`${before}\n<!-- opta-nexus:begin `)).toBe(true)
    expect(text.endsWith('<!-- opta-nexus:end -->\n')).toBe(true)
    expect(readBlock(text)).toEqual({ kind: 'intact', facts: 'a1' })
  })

  it('replaces its own block alone, wherever a person has moved it', () => {
    const own = putBlock('', block, markdownMarks)
    const text = `top\r\n${own}bottom without a line end`
    const next = putBlock(text, { body: 'two slots', facts: 'b2' }, markdownMarks)
    expect(next.startsWith('top\r\n')).toBe(true)
    expect(next.endsWith('\nbottom without a line end')).toBe(true)
    expect(next).not.toContain('four slots')
    expect(readBlock(next)).toEqual({ kind: 'intact', facts: 'b2' })
  })

  it('is the same file when nothing changed', () => {
    for (const text of ['', before, 'no line end', 'a\r\nb\r\n']) {
      const once = putBlock(text, block, markdownMarks)
      expect(putBlock(once, block, markdownMarks)).toBe(once)
    }
  })

  it('keeps the line ends of the file', () => {
    const text = putBlock('a\r\nb\r\n', block, yamlMarks)
    expect(text.replaceAll('\r\n', '')).not.toContain('\n')
    expect(readBlock(text).kind).toBe('intact')
    expect(readBlock(text.replaceAll('\r\n', '\n')).kind).toBe('intact')
  })
})

describe('readBlock', () => {
  const text = putBlock(before, block, markdownMarks)

  it('finds nothing where there is nothing', () => {
    expect(readBlock('').kind).toBe('absent')
    expect(readBlock(before).kind).toBe('absent')
  })

  it.each([
    ['a word inside', text.replace('four', 'five')],
    ['a line added inside', text.replace('four slots\n', 'four slots\nand one more\n')],
    ['a mark without a hash', text.replace(/hash=[0-9a-f]+/, 'hash=')],
  ])('notices %s', (_, edited) => {
    expect(readBlock(edited)).toEqual({ kind: 'edited' })
  })

  it.each([
    ['no end', text.replace('<!-- opta-nexus:end -->', ''), 'no end mark'],
    ['no begin', text.replace(/<!-- opta-nexus:begin.*-->/, ''), 'has no begin mark'],
    ['two blocks', text + text, 'more than one'],
  ])('says what is wrong with %s, and writes nothing', (_, broken, words) => {
    const reading = readBlock(broken)
    expect(reading).toMatchObject({ kind: 'broken', reason: expect.stringContaining(words) })
    expect(() => putBlock(broken, block, markdownMarks)).toThrow(words)
  })

  it('is not confused by changes outside', () => {
    expect(readBlock(`new first line\n${text}\nnew last line\n`).kind).toBe('intact')
  })
})

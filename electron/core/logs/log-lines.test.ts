import { describe, expect, it } from 'vitest'
import { createLineSplitter } from './log-lines.ts'

describe('createLineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = 'first\r\n\nümläut – 漢字 🚀\nlast'
    const bytes = Buffer.from(text)
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = createLineSplitter()
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += size)
        lines.push(...splitter.push(bytes.subarray(at, at + size)))
      expect(lines).toEqual(['first', '', 'ümläut – 漢字 🚀'])
      expect(splitter.flush()).toBe('last')
      expect(splitter.flush()).toBeNull()
    }
  })

  it('does not hold on to the chunk it was given', () => {
    const splitter = createLineSplitter()
    const chunk = Buffer.from('abc')
    splitter.push(chunk)
    chunk.fill('z')
    expect(splitter.push(Buffer.from('\n'))).toEqual(['abc'])
  })

  it('cuts a line of 100 MB, says how much is missing, and stays small', () => {
    const splitter = createLineSplitter()
    const chunk = Buffer.alloc(1024 * 1024, 'y')
    const before = process.memoryUsage().rss
    for (let i = 0; i < 100; i++) expect(splitter.push(chunk)).toEqual([])
    const [line, next] = splitter.push(Buffer.from('\nnext\n'))
    expect(line).toHaveLength(
      64 * 1024 + ` … [${100 * 1024 * 1024 - 64 * 1024} bytes of this line cut]`.length,
    )
    expect(line).toMatch(/y … \[104792064 bytes of this line cut\]$/)
    expect(next).toBe('next')
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('cuts between characters', () => {
    const lines = createLineSplitter(5).push(Buffer.from('aäöüß\n漢字漢字\n🚀🚀\nabcde\n'))
    expect(lines).toEqual([
      'aäö … [4 bytes of this line cut]',
      '漢 … [7 bytes of this line cut]',
      '🚀 … [3 bytes of this line cut]',
      'abcde',
    ])
  })

  it('drops the rest of a line that it was set down in the middle of', () => {
    const splitter = createLineSplitter()
    splitter.push(Buffer.from('begun'))
    splitter.restart({ midLine: true })
    expect(splitter.push(Buffer.from('dle of a line\nwhole\n'))).toEqual(['whole'])
  })
})

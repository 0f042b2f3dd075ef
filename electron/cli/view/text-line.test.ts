import { describe, expect, it } from 'vitest'
import {
  bar,
  justify,
  padEnd,
  padStart,
  piece,
  readLineWidth,
  readWidth,
  renderLine,
  truncate,
  truncateLine,
  wrap,
} from './text-line.ts'

describe('text on a terminal', () => {
  it.each([
    ['plain', 5],
    ['漢字', 4],
    ['e\u0301', 1],
    ['🚀x', 3],
    ['👩‍👩‍👧', 2],
    ['█░●–…', 5],
    ['', 0],
  ])('%s takes %d columns', (text, width) => expect(readWidth(text)).toBe(width))

  it('cuts with an ellipsis and never through a wide character', () => {
    expect(truncate('DeepSeek', 8)).toBe('DeepSeek')
    expect(truncate('DeepSeek-R1', 8)).toBe('DeepSee…')
    expect(truncate('漢字漢字', 4)).toBe('漢…')
    expect(truncate('abc', 1)).toBe('…')
    expect(truncate('abc', 0)).toBe('')
    expect(padEnd('漢字', 6)).toBe('漢字  ')
    expect(padStart('1234567', 4)).toBe('123…')
  })

  it('lets no foreign control sequence through', () => {
    const { text } = piece('a\x1b[31mred\x1b]0;title\x07\r\nb\x9b2J\u202eabc')
    for (const character of '\x1b\x07\r\n\x9b\u202e') expect(text).not.toContain(character)
    expect(text).toContain('abc')
    expect(renderLine([piece('tab\there')], false)).toBe('tab here')
  })

  it('adds colour without adding width, and only when asked', () => {
    const line = [piece('ok', 'good'), piece(' '), piece('plain')]
    expect(renderLine(line, true)).toBe('\x1b[32mok\x1b[0m plain')
    expect(renderLine(line, false)).toBe('ok plain')
    expect(readLineWidth(line)).toBe(8)
  })

  it('cuts a line of pieces, with the ellipsis at the cut', () => {
    const line = [piece('abc'), piece('def'), piece('ghi')]
    expect(renderLine(truncateLine(line, 9), false)).toBe('abcdefghi')
    expect(renderLine(truncateLine(line, 6), false)).toBe('abcde…')
    expect(renderLine(truncateLine(line, 5), false)).toBe('abcd…')
    expect(renderLine(justify([piece('left')], [piece('right')], 12), false)).toBe('left   right')
    expect(renderLine(justify([piece('much left')], [piece('right')], 14), false)).toBe('much l…  right')
    expect(renderLine(justify([piece('left')], [piece('right')], 6), false)).toBe('left')
  })

  it('wraps at words, and cuts what is too much', () => {
    expect(wrap('one two three four', 9, 4)).toEqual(['one two', 'three', 'four'])
    expect(wrap('one two three four', 9, 2)).toEqual(['one two', 'three fo…'])
    expect(wrap('averyveryverylongword and', 9, 3)).toEqual(['averyvery', 'verylongw', 'ord and'])
    expect(wrap('', 9, 3)).toEqual([])
  })

  it('shows at least one cell above 0 and never looks full below 1', () => {
    const draw = (share: number | null) => renderLine(bar(share, 10, 'busy'), false)
    expect(draw(0)).toBe('─'.repeat(10))
    expect(draw(null)).toBe('─'.repeat(10))
    expect(draw(0.001)).toBe(`━${'─'.repeat(9)}`)
    expect(draw(0.999)).toBe(`${'━'.repeat(9)}─`)
    expect(draw(1)).toBe('━'.repeat(10))
    expect(draw(1.4)).toBe('━'.repeat(10))
  })
})

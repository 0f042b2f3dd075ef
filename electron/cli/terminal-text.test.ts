import { expect, it } from 'vitest'
import { forTerminal } from './terminal-text.ts'

it('passes only our own colours, and only where colour is on', () => {
  const line = '\u001b[31mfailed\u001b[0m: \u001b]0;title\u0007\u001b[5mblink'
  expect(forTerminal(line, true)).toBe('\u001b[31mfailed\u001b[0m: ␛]0;title␇blink')
  expect(forTerminal(line, false)).toBe('failed: ␛]0;title␇blink')
})

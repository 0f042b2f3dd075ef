// What others wrote, as it may be shown.
import { expect, it } from 'vitest'
import { showControls } from './visible-text.ts'

it.each([
  // From cases/hostile/terminal-escape.py: the clipboard and the screen.
  ['\u001b]52;c;ZXZpbA==\u0007\u001b[2JGRAMMAR', '␛]52;c;ZXZpbA==␇␛[2JGRAMMAR'],
  ['x\u009b2JUA', 'x\\u009b2JUA'],
  ['user\u202egnp.exe\u2066', 'user\\u202egnp.exe\\u2066'],
  ['\u200eleft\u061c', '\\u200eleft\\u061c'],
  ['over\rwritten\b\u007f', 'over␍written␈\\u007f'],
  ['\u0000\u001f', '␀␟'],
  ['one\u2028line', 'one\\u2028line'],
  // LiteLLM's own lines (litellm/_logging.py) are green up to the colon.
  ['\u001b[92m12:00:01 - LiteLLM:INFO\u001b[0m: ready', '12:00:01 - LiteLLM:INFO: ready'],
  ['\u001b[\u001b[1m31m', '␛[31m'],
  ['col\tumn\nline — 東京 👩‍💻', 'col\tumn\nline — 東京 👩‍💻'],
])('shows %j as %j', (text, shown) => {
  expect(showControls(text)).toBe(shown)
})

it('keeps the meaning of a JSON document', () => {
  const value = { model: 'a\u009b2J\u202e\u001b]0;t\u0007\u007f', list: ['\u2028'] }
  const shown = showControls(JSON.stringify(value, null, 2))
  expect(JSON.parse(shown)).toEqual(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left.
  expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/)
})

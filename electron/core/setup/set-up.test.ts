import { describe, expect, it } from 'vitest'
import { explainBareMac } from './set-up.ts'

describe('what set-up asks of a Mac before it starts', () => {
  it('names Python and llama-server at once, in one command', () => {
    expect(explainBareMac({ hasPython: false, hasLlamaServer: false })).toBe(
      'Python 3.10 to 3.14 and llama-server are missing; run: brew install python@3.13 llama.cpp',
    )
  })

  it('names only Python when llama-server is installed', () => {
    expect(explainBareMac({ hasPython: false, hasLlamaServer: true })).toBe(
      'Python 3.10 to 3.14 is missing; run: brew install python@3.13',
    )
  })

  it.each([true, false])('lets set-up begin with Python, llama-server there: %s', (hasLlamaServer) => {
    expect(explainBareMac({ hasPython: true, hasLlamaServer })).toBeNull()
  })
})

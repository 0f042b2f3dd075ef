import { describe, expect, it } from 'vitest'
import { choosePython, parsePythonAnswer } from './find-python.ts'

const python = (path: string, minor: number, hasVenv = true, major = 3) => ({ path, major, minor, hasVenv })

describe('parsePythonAnswer', () => {
  it('reads the answer among other output', () => {
    expect(parsePythonAnswer('a site hook says hello\nnexus-python 3 11 1\n')).toEqual({
      major: 3,
      minor: 11,
      hasVenv: true,
    })
    expect(parsePythonAnswer('nexus-python 3 12 0')).toEqual({ major: 3, minor: 12, hasVenv: false })
  })

  it.each(['', 'Python 3.11.7', 'nexus-python 3 x 1', 'nexus-python 3 11'])('is null for "%s"', (text) => {
    expect(parsePythonAnswer(text)).toBeNull()
  })
})

describe('choosePython', () => {
  it('takes the first in range that can make environments', () => {
    const choice = choosePython([python('a', 9), python('b', 12, false), python('c', 11), python('d', 13)])
    expect(choice).toMatchObject({ kind: 'python', python: { path: 'c' } })
  })

  it('asks for venv only when no Python has it', () => {
    expect(choosePython([python('a', 9), python('b', 11, false)])).toMatchObject({
      kind: 'needs-venv',
      python: { path: 'b' },
    })
  })

  it('says what it found when nothing fits', () => {
    expect(
      choosePython([python('/usr/bin/python3', 9), python('py', 15), python('two', 7, true, 2)]),
    ).toEqual({
      kind: 'none',
      reason: 'Python 3.10 to 3.14 is needed; /usr/bin/python3 is 3.9, py is 3.15, two is 2.7',
    })
    expect(choosePython([])).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('none was found'),
    })
  })
})

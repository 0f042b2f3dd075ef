import { describe, expect, it } from 'vitest'
import type { Query } from '../../contract/question.ts'
import { keepNewest, shareAnswers } from './answer-query.ts'

describe('the end of a log that fits into one message', () => {
  it.each([
    [['a', 'b', 'c'], 100, ['a', 'b', 'c']],
    [['a', 'b', 'c'], 8, ['b', 'c']],
    [['a', 'b', 'c'], 3, []],
    // A control character takes six bytes in JSON.
    [['a', '\u001b'], 9, ['\u001b']],
    [['é'], 4, []],
    [[], 100, []],
  ])('of %j in %i bytes keeps %j', (lines, bytes, expected) => {
    expect(keepNewest(lines, bytes)).toEqual(expected)
  })
})

describe('shared answers', () => {
  const createWork = () => {
    const begun: string[] = []
    let finish = (_answer: unknown) => {}
    const work = (query: Query) => {
      begun.push(query.type)
      return new Promise((resolve) => {
        finish = resolve
      })
    }
    return { begun, work, finish: (answer: unknown) => finish(answer) }
  }

  it('shares one computation among concurrent queries, and starts anew for later ones', async () => {
    const { begun, work, finish } = createWork()
    const ask = shareAnswers(work, { keepMs: 0 })
    const three = [ask({ type: 'plan' }), ask({ type: 'plan' }), ask({ type: 'plan' })]
    expect(begun).toEqual(['plan'])
    finish('fits')
    expect(await Promise.all(three)).toEqual(['fits', 'fits', 'fits'])
    void ask({ type: 'plan' })
    expect(begun).toEqual(['plan', 'plan'])
  })

  it('separates different queries', () => {
    const { begun, work } = createWork()
    const ask = shareAnswers(work, { keepMs: 0 })
    void ask({ type: 'doctor' })
    void ask({ type: 'logTail', log: 'core', lines: 10 })
    void ask({ type: 'logTail', log: 'core', lines: 11 })
    expect(begun).toEqual(['doctor', 'logTail', 'logTail'])
  })

  it('starts anew after a failure', async () => {
    let tries = 0
    const ask = shareAnswers(
      async () => {
        tries += 1
        if (tries === 1) throw new Error('no such file')
        return 'fits'
      },
      { keepMs: 0 },
    )
    await expect(ask({ type: 'plan' })).rejects.toThrow('no such file')
    expect(await ask({ type: 'plan' })).toBe('fits')
  })

  it('reuses an answer or a failure while it is kept', async () => {
    const begun: string[] = []
    const ask = shareAnswers(
      async ({ type }) => {
        begun.push(type)
        if (type === 'plan') throw new Error('no such file')
        return 'fine'
      },
      { keepMs: 60_000 },
    )
    for (let round = 0; round < 3; round++) {
      await expect(ask({ type: 'plan' })).rejects.toThrow('no such file')
      expect(await ask({ type: 'doctor' })).toBe('fine')
    }
    expect(begun).toEqual(['plan', 'doctor'])
  })
})

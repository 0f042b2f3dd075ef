import { describe, expect, it } from 'vitest'
import { type CheckSource, fail, ok, runChecks, unknown, warn } from './check.ts'
import { once } from './facts.ts'

const source = (id: string, read: CheckSource<null>['read']): CheckSource<null> => ({
  id: `core.${id}`,
  title: id,
  why: 'why',
  read,
})

describe('runChecks', () => {
  it('finishes on time even if one check hangs, and says which', async () => {
    const startedAt = performance.now()
    const { checks, summary } = await runChecks(
      [
        source('hangs', () => new Promise(() => {})),
        source('well', async () => ok('fine')),
        source('breaks', async () => {
          throw new Error('no such luck')
        }),
        source('none', async () => null),
      ],
      null,
      100,
    )
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(checks.map(({ id, level }) => [id, level])).toEqual([
      ['core.hangs', 'unknown'],
      ['core.well', 'ok'],
      ['core.breaks', 'unknown'],
    ])
    expect(checks[0]?.group).toBe('Core')
    expect(checks[0]?.found).toContain('no answer within 0.1 s')
    expect(checks[2]?.found).toContain('no such luck')
    expect(summary).toEqual({ ok: 1, warn: 0, fail: 0, unknown: 2 })
  })

  it('counts each level', async () => {
    const verdicts = [ok('a'), warn('b', 'x'), warn('c', null), fail('d', 'y'), unknown('e')]
    const { summary } = await runChecks(
      verdicts.map((verdict, index) => source(`${index}`, async () => verdict)),
      null,
      1_000,
    )
    expect(summary).toEqual({ ok: 1, warn: 2, fail: 1, unknown: 1 })
  })

  it('aborts a check that is late', async () => {
    let aborted = false
    await runChecks(
      [
        source('asks', async (_, signal) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          aborted = true
          return ok('late')
        }),
      ],
      null,
      50,
    )
    await Promise.resolve()
    expect(aborted).toBe(true)
  })
})

describe('once', () => {
  it('reads on first use, and only once', async () => {
    let reads = 0
    const read = once(async () => {
      reads += 1
      return reads
    })
    expect(reads).toBe(0)
    expect(await Promise.all([read(), read()])).toEqual([1, 1])
  })
})

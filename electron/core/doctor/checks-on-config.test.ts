import { describe, expect, it } from 'vitest'
import { judgeConfig } from './checks-on-config.ts'

const paths = { configPath: '/s/config.json', lastGoodConfigPath: '/s/config.last-good.json' }

describe('judgeConfig', () => {
  it('passes a valid file and no file', () => {
    expect(judgeConfig({ kind: 'valid' }, paths).level).toBe('ok')
    expect(judgeConfig({ kind: 'absent' }, paths).level).toBe('ok')
  })

  it('offers to restore the last good file', () => {
    const broken = { kind: 'broken', problems: ['slots: found an unknown key'] } as const
    expect(judgeConfig({ ...broken, hasLastGood: true }, paths)).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('slots: found an unknown key'),
      mend: 'cp /s/config.last-good.json /s/config.json',
    })
    expect(judgeConfig({ ...broken, hasLastGood: false }, paths).mend).toContain('Correct /s/config.json')
  })
})

import { describe, expect, it } from 'vitest'
import { type Check, summarise } from '../../core/doctor/check.ts'
import { renderDoctor } from './doctor-view.ts'
import { readWidth } from './text-line.ts'

const check = (change: Partial<Check>): Check => ({
  id: 'x',
  group: 'Core',
  title: 'Core',
  level: 'ok',
  found: 'none runs',
  why: 'one core owns the stack',
  mend: null,
  ...change,
})
const plain = { width: 80, color: false }
const render = (checks: readonly Check[], options = plain) => renderDoctor(summarise(checks), options)
const long = 'a '.repeat(60).trim()

describe('renderDoctor', () => {
  it('gives one line to a passed check', () => {
    expect(render([check({})])).toEqual([
      'Core',
      '  ok    Core               none runs',
      '',
      '1 ok, 0 warnings, 0 failures',
    ])
  })

  it('shows what was found, why it matters and the fix; worst first, groups in their order', () => {
    const lines = render([
      check({ group: 'Machine', title: 'Clock' }),
      check({ title: 'First' }),
      check({ title: 'Second', level: 'unknown', found: 'no answer' }),
      check({ title: 'Third', level: 'fail', found: 'it is stuck', mend: 'kill -9 12 && nexus up' }),
      check({ title: 'Fourth', level: 'warn', found: 'odd', mend: 'nexus up' }),
    ])
    expect(lines.slice(0, 4)).toEqual([
      'Core',
      '  FAIL  Third              it is stuck',
      '        why: one core owns the stack',
      '        mend: kill -9 12 && nexus up',
    ])
    const at = (title: string) => lines.findIndex((line) => line.includes(title))
    expect(at('Third')).toBeLessThan(at('Fourth'))
    expect(at('Fourth')).toBeLessThan(at('Second'))
    expect(at('Second')).toBeLessThan(at('First'))
    expect(at('First')).toBeLessThan(at('Machine'))
    expect(lines.at(-1)).toBe('2 ok, 1 warning, 1 not known, 1 failure')
  })

  it('stays within 80 columns, but never breaks a command', () => {
    const command = `mv ${'/long'.repeat(30)} /elsewhere`
    const lines = render([
      check({ found: long }),
      check({ level: 'warn', found: long, why: long, mend: `Do ${long}.` }),
      check({ level: 'fail', found: long, why: long, mend: command }),
    ])
    expect(lines.filter((line) => readWidth(line) > 80)).toEqual([`        mend: ${command}`])
  })

  it('lets no foreign escape sequence through, and colours only when asked', () => {
    const evil = check({ level: 'fail', found: 'held by \u001b[2Jx', mend: 'kill 1' })
    expect(render([evil]).join('')).not.toContain('\u001b')
    expect(render([evil], { width: 80, color: true }).join('')).toContain('\u001b[31m')
    expect(render([evil], { width: 80, color: true }).join('')).not.toContain('\u001b[2J')
  })
})

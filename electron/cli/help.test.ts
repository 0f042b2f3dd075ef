// `nexus help`: every command with its options, except those that other programs pass.
import { expect, it } from 'vitest'
import { commandGroups } from './arguments.ts'
import { renderHelp } from './help.ts'

it('lists every command with its options and what needs an explanation', () => {
  const lines = renderHelp(null, 80)
  for (const { commands } of commandGroups)
    for (const { usage } of commands) expect(lines).toContain(`  ${usage}`)
  expect(lines).toContain('  nexus restart [ID] [--now] [--json]')
  expect(lines).toContain('      --all: on a running stack also fill all slots and restart the Router')
  expect(lines.join('\n')).not.toMatch(/--background|--detach/)
})

it.each([40, 80, 200])('wraps explanations at %i columns, 120 at most', (width) => {
  const explanations = renderHelp(null, width).filter((line) => line.startsWith('      '))
  expect(Math.max(...explanations.map((line) => line.length))).toBeLessThanOrEqual(
    Math.max(46, Math.min(width, 120)),
  )
})

it('explains one command alone', () => {
  const lines = renderHelp('restart', 80)
  expect(lines[0]).toBe('  nexus restart [ID] [--now] [--json]')
  expect(lines.filter((line) => line.includes('nexus '))).toHaveLength(2)
})

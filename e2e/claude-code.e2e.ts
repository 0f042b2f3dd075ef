// The real Claude Code through the whole stack, with the same steps as `nexus try-claude`.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tryStepIds } from '../electron/core/try-claude/try-step-ids.ts'
import { type CommandResult, runNexus } from './nexus-command.ts'

const Report = z.object({
  passed: z.boolean(),
  steps: z.array(
    z.object({ id: z.string(), state: z.enum(['passed', 'failed', 'skipped']), seen: z.string() }),
  ),
})

let home = ''
let result: CommandResult
let temporary = ''
let steps: z.infer<typeof Report>['steps']

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'nexus-e2e-'))
  temporary = join(home, 't')
  mkdirSync(temporary)
  process.env['TMPDIR'] = temporary
  result = await runNexus(home, ['try-claude', '--json'])
  steps = Report.parse(JSON.parse(result.stdout)).steps
  for (const { id, state, seen } of steps) process.stdout.write(`${state} ${id}: ${seen}\n`)
}, 15 * 60_000)

afterAll(() => rmSync(home, { recursive: true, force: true }))

describe('nexus try-claude on a fresh state folder', () => {
  it('takes every step', () => {
    expect(steps.map(({ id }) => id)).toEqual(['client', 'stack', ...tryStepIds])
  })

  it.each(['client', 'stack', ...tryStepIds])('%s', (id) => {
    expect(steps.find((step) => step.id === id)).toMatchObject({ state: 'passed' })
  })

  it('reports what each step saw', () => {
    const seen = Object.fromEntries(steps.map((step) => [step.id, step.seen]))
    expect(seen['first-answer']).toMatch(/opta-claude-3-r1 with the tools Bash, Edit, Read, Write/)
    expect(seen['wrong-key']).toContain('401')
    expect(seen['two-developers']).toContain('the Router told user1 and user2 apart')
    expect(seen['uses-its-tools']).toMatch(
      /^Read, Edit, Bash in .*running it printed "Hello, world \d+" \(forced: /,
    )
    expect(seen['one-too-many']).toMatch(/5 agents on 4 slots: \d+ waited/)
    expect(seen['router-restarts']).toContain('got the answer that had begun, uncut')
    expect(seen['outgrows-its-slot']).toContain('compacted the conversation')
  })

  it('exits with 0 and one document on stdout', () => {
    expect(result.code).toBe(0)
  })

  it('leaves nothing behind', async () => {
    expect(readdirSync(temporary)).toEqual([])
    expect((await runNexus(home, ['status'])).code).toBe(3)
  })
})

// With --json a script gets exactly one document on stdout, also from a command that fails.
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { UsageError } from './command-line.ts'
import type { CliContext } from './context.ts'
import { runToEnd } from './run-command.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'

type Run = Parameters<typeof runToEnd>[3]

const nexus = async (words: string, run?: Run, prepare: (context: CliContext) => unknown = () => {}) => {
  const { context } = createTestContext()
  await prepare(context)
  const printed: string[] = []
  const said: string[] = []
  const voice = {
    print: (line: string) => void printed.push(line),
    printError: (line: string) => void said.push(line),
  }
  const code = await runToEnd(words.split(' '), voice, (heard) => ({ ...context, ...heard }), run)
  return { code, printed, said }
}

it('reports in JSON that nothing runs, with that exit code', async () => {
  const message = 'Nothing of ours is running. nexus up starts it.'
  expect(await nexus('restart --json')).toEqual({
    code: 3,
    printed: [JSON.stringify({ error: message })],
    said: [message],
  })
  expect((await nexus('restart')).printed).toEqual([])
})

it("reports the core's refusal", async () => {
  const refuse = (context: CliContext) =>
    openTestCore(context, { dispatch: async () => ({ accepted: false, reason: 'not now' }) })
  expect(await nexus('restart --now --json', undefined, refuse)).toEqual({
    code: 1,
    printed: ['{"error":"not now"}'],
    said: ['not now'],
  })
})

it('reports an invalid config', async () => {
  const spoil = ({ folder }: CliContext) => writeFileSync(folder.configPath, '{ "drainSeconds": -1 }')
  const { code, printed, said } = await nexus('up --json', undefined, spoil)
  expect(code).toBe(1)
  expect(printed).toHaveLength(1)
  expect(JSON.parse(printed[0] ?? '')).toEqual({ error: expect.stringContaining('drainSeconds: found -1') })
  expect(said).toEqual([expect.stringContaining('nexus: ')])
})

it('adds nothing after a document, on success, or without --json', async () => {
  const failing: Run = async (_, { print }) => {
    print('{"ready":false}')
    throw new Error('later')
  }
  expect((await nexus('up --json', failing)).printed).toEqual(['{"ready":false}'])
  expect((await nexus('up --json', async () => 0)).printed).toEqual([])
  expect((await nexus('up', async () => 1)).printed).toEqual([])
  expect(await nexus('up --jsn --json')).toMatchObject({ code: 2, printed: [] })
})

it('keeps exit code 2 for an unknown name', async () => {
  const unknown: Run = () => Promise.reject(new UsageError('found no developer "x"'))
  expect(await nexus('clients x --json', unknown)).toEqual({
    code: 2,
    printed: ['{"error":"found no developer \\"x\\""}'],
    said: ['nexus: found no developer "x"'],
  })
})

// What a script gets on stdout that asked for --json: exactly one document, also of a command that fails.
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { CliContext } from './context.ts'
import { runToEnd } from './run-to-end.ts'
import { createTestContext, openTestCore } from './test-support/core.ts'
import { UsageError } from './usage-error.ts'

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

it('tells a script in JSON that nothing runs, with the exit code of that', async () => {
  const message = 'Nothing of ours is running. nexus up starts it.'
  expect(await nexus('restart --json')).toEqual({
    code: 3,
    printed: [JSON.stringify({ error: message })],
    said: [message],
  })
  expect((await nexus('restart')).printed).toEqual([])
})

it('tells it that the core refused', async () => {
  const refuse = (context: CliContext) =>
    openTestCore(context, { dispatch: async () => ({ accepted: false, reason: 'not now' }) })
  expect(await nexus('restart --now --json', undefined, refuse)).toEqual({
    code: 1,
    printed: ['{"error":"not now"}'],
    said: ['not now'],
  })
})

it('tells it that the config is not valid', async () => {
  const spoil = ({ folder }: CliContext) => writeFileSync(folder.configPath, '{ "drainSeconds": -1 }')
  const { code, printed, said } = await nexus('up --json', undefined, spoil)
  expect(code).toBe(1)
  expect(printed).toHaveLength(1)
  expect(JSON.parse(printed[0] ?? '')).toEqual({ error: expect.stringContaining('drainSeconds: found -1') })
  expect(said).toEqual([expect.stringContaining('nexus: ')])
})

it('adds nothing to a document that is there, nor to success, nor where no JSON was asked for', async () => {
  const failing: Run = async (_, { print }) => {
    print('{"ready":false}')
    throw new Error('later')
  }
  expect((await nexus('up --json', failing)).printed).toEqual(['{"ready":false}'])
  expect((await nexus('up --json', async () => 0)).printed).toEqual([])
  expect((await nexus('up', async () => 1)).printed).toEqual([])
  expect(await nexus('up --jsn --json')).toMatchObject({ code: 2, printed: [] })
})

it('keeps 2 for a name that is not there', async () => {
  const unknown: Run = () => Promise.reject(new UsageError('found no developer "x"'))
  expect(await nexus('clients x --json', unknown)).toEqual({
    code: 2,
    printed: ['{"error":"found no developer \\"x\\""}'],
    said: ['nexus: found no developer "x"'],
  })
})

// `nexus up` beside a running core that is not ready: whatever goes wrong, the command ends.
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Command } from '../../contract/command.ts'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import type { CliCommand } from '../arguments.ts'
import { exitCodes } from '../context.ts'
import { createTestContext, openTestCore } from '../test-support/core.ts'
import { runUp } from './up.ts'

const up: Extract<CliCommand, { name: 'up' }> = {
  name: 'up',
  model: null,
  profile: null,
  only: null,
  force: false,
  replaceForeign: false,
  json: false,
}

it('closes its connection after an invalid config, and so ends', async () => {
  const { context } = createTestContext()
  writeFileSync(context.folder.configPath, '{ "drainSeconds": -1 }')
  const core = await openTestCore(context, {
    readSnapshot: async () => ({ ...sampleSnapshot, overall: 'stopped' }),
  })
  await expect(runUp(up, context)).rejects.toThrow('drainSeconds')
  await expect.poll(() => core.connected()).toBe(0)
})

it('leaves it to the core to compose a profile for a model of the catalogue, and shows why it refuses', async () => {
  const { context, said } = createTestContext()
  const commands: Command[] = []
  await openTestCore(context, {
    dispatch: async (command) => {
      commands.push(command)
      return { accepted: false, reason: 'gpt-oss-20b is not here: nexus model fetch gpt-oss-20b' }
    },
  })
  expect(await runUp({ ...up, model: 'gpt-oss-20b' }, context)).toBe(exitCodes.failed)
  expect(commands).toMatchObject([{ type: 'start', profile: null, model: 'gpt-oss-20b' }])
  expect(said).toEqual(['gpt-oss-20b is not here: nexus model fetch gpt-oss-20b'])
})

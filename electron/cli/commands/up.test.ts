// `nexus up` beside a running core that is not ready: whatever goes wrong, the command ends.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import type { CliCommand } from '../arguments.ts'
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

it.each([
  ['gpt-oss-20b', 'gpt-oss-20b is not here: nexus model fetch gpt-oss-20b'],
  ['nope', 'found "nope"; allowed: r1-distill-llama-70b, '],
])('says of the model %s what to do, and starts nothing', async (model, reason) => {
  const { context } = createTestContext()
  const asked = { ...context, resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources') }
  await expect(runUp({ ...up, model }, asked)).rejects.toThrow(reason)
})

// `nexus up` beside a core that runs and is not ready: whatever goes wrong, the command ends.
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { sampleSnapshot } from '../../contract/test-support/sample-snapshot.ts'
import type { CliCommand } from '../arguments.ts'
import { createTestContext, openTestCore } from '../test-support/core.ts'
import { runUp } from './up.ts'

const up: Extract<CliCommand, { name: 'up' }> = {
  name: 'up',
  profile: null,
  only: null,
  force: false,
  replaceForeign: false,
  json: false,
}

it('hangs up after a config that is not valid, and so does not stay for ever', async () => {
  const { context } = createTestContext()
  writeFileSync(context.folder.configPath, '{ "drainSeconds": -1 }')
  const core = await openTestCore(context, {
    readSnapshot: async () => ({ ...sampleSnapshot, overall: 'stopped' }),
  })
  await expect(runUp(up, context)).rejects.toThrow('drainSeconds')
  await expect.poll(() => core.connected()).toBe(0)
})

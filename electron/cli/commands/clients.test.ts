// `nexus clients NAME` ignores the case of a name, as `nexus key` does.
import { expect, it } from 'vitest'
import { changeDeveloperKey } from '../../core/access/developer-keys-file.ts'
import { ensureKeys } from '../../core/access/keys.ts'
import type { CommandNamed } from '../arguments.ts'
import { createTestContext } from '../test-support/core.ts'
import { runClients } from './clients.ts'

const clients: CommandNamed<'clients'> = {
  name: 'clients',
  developer: 'ANNA',
  test: false,
  url: null,
  keyFile: null,
  apply: null,
  force: false,
  json: true,
}

const withAnna = () => {
  const made = createTestContext()
  const { keysDir } = made.context.folder
  ensureKeys(keysDir, null)
  expect(changeDeveloperKey(keysDir, { action: 'create', developer: 'anna' })).toEqual({ accepted: true })
  return made
}

it('finds a developer in any case, under the name of the key', async () => {
  const { context, printed } = withAnna()
  expect(await runClients(clients, context)).toBe(0)
  const { developers } = JSON.parse(printed.join('\n'))
  expect(developers).toMatchObject([{ name: 'anna' }])
})

it('lists the developers when the name is unknown', async () => {
  const { context } = withAnna()
  await expect(runClients({ ...clients, developer: 'bert' }, context)).rejects.toThrow(
    /found no developer "bert"; there are: .*anna/,
  )
})

// Names of the users of this machine, and of one that it does not have.
import { expect, it } from 'vitest'
import { readOwnUid, readOwnUserName, readUserName } from './user-name.ts'

it('names the user of this process, and asks only once', async () => {
  expect(await readUserName(readOwnUid())).toBe(readOwnUserName())
  expect(await readUserName(readOwnUid())).toBe(readOwnUserName())
})

it('shows the id of a user without a name', async () => {
  expect(await readUserName(2_000_000_123)).toBe('2000000123')
})

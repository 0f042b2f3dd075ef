import { expect, it } from 'vitest'
import { judgeParked, type ParkedFacts } from './checks-on-cache.ts'

const facts: ParkedFacts = {
  files: 3,
  bytes: 81_000_000,
  mostBytes: 64 * 1024 ** 3,
  doesNotRestore: false,
  fullSlidingCache: false,
}

it('counts parked conversations and their bytes', () => {
  expect(judgeParked(facts)).toEqual({
    level: 'ok',
    found: 'pinned to their slots; 3 parked in files, 77 MiB of at most 64.00 GiB',
    mend: null,
  })
})

it('warns of a model that cannot be restored, with the fix where there is one', () => {
  const useless = { ...facts, doesNotRestore: true }
  expect(judgeParked(useless)).toMatchObject({
    level: 'warn',
    mend: expect.stringContaining('"--swa-full" to llamaServer.pinnedFlags'),
  })
  expect(judgeParked({ ...useless, fullSlidingCache: true }).mend).toBeNull()
})

import { expect, it } from 'vitest'
import { judgeParked } from './checks-on-cache.ts'

it('passes conversations that come back', () => {
  expect(judgeParked(false, false)).toMatchObject({ level: 'ok', mend: null })
})

it('warns of a model that cannot be restored, with the fix where there is one', () => {
  expect(judgeParked(true, false)).toMatchObject({
    level: 'warn',
    mend: expect.stringContaining('"--swa-full" to llamaServer.pinnedFlags'),
  })
  expect(judgeParked(true, true).mend).toBeNull()
})

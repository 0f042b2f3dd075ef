// The doctor on other users of the machine.
import { expect, it } from 'vitest'
import { type GuestFacts, judgeGuests } from './checks-on-guests.ts'

const own = { path: '/tmp/.opta-nexus-501.sock', uid: 501, distrust: null }
const facts = (change: Partial<GuestFacts> = {}): GuestFacts => ({
  guests: { group: 'staff' },
  coreRuns: true,
  sockets: [own],
  uid: 501,
  others: [],
  ...change,
})

it.each([
  ['the allowed group', facts(), 'ok', 'the group staff may see, start and stop', null],
  ['everyone', facts({ guests: 'everyone' }), 'ok', 'everyone on this machine may', null],
  [
    'no one, and how to change it',
    facts({ guests: 'none', sockets: [] }),
    'ok',
    '"guests" in the config',
    null,
  ],
  ['other shared cores', facts({ others: ['ben'] }), 'ok', '; also shared by ben', null],
  ['a missing socket', facts({ sockets: [] }), 'warn', 'has no socket', 'nexus logs core'],
  [
    'no socket while no core runs',
    facts({ sockets: [], coreRuns: false }),
    'ok',
    'the group staff may',
    null,
  ],
  [
    "a forged socket under a user's name",
    facts({ sockets: [{ ...own, distrust: 'belongs to user 666, not to user 501 as its name claims' }] }),
    'warn',
    'belongs to user 666',
    'sudo rm /tmp/.opta-nexus-501.sock',
  ],
])('says %s', (_, given, level, words, mend) => {
  expect(judgeGuests(given)).toEqual({ level, found: expect.stringContaining(words), mend })
})

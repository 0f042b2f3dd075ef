// The real owner of a file in a world-writable folder.
import { expect, it } from 'vitest'
import {
  distrustFolder,
  distrustSocket,
  type FileFacts,
  readSharedSocketName,
  sharedSocketName,
} from './shared-folder.ts'

const folder = (change: Partial<FileFacts> = {}): FileFacts => ({
  kind: 'folder',
  uid: 0,
  mode: 0o1777,
  ...change,
})

it.each([0, 501, 65_534, 4_294_967_294])('names user %i and reads that again', (uid) => {
  expect(readSharedSocketName(sharedSocketName(uid))).toBe(uid)
})

it.each(['.opta-nexus-.sock', '.opta-nexus-01.sock', '.opta-nexus-5.sock.tmp', 'x.opta-nexus-5.sock', '..'])(
  'takes %s for no name of ours',
  (name) => expect(readSharedSocketName(name)).toBeNull(),
)

it.each([
  ['/Users/Shared and /tmp', folder(), null],
  ["root's, for root alone to write", folder({ mode: 0o755 }), null],
  ['the same user’s own, sticky', folder({ uid: 501 }), null],
  ['not sticky', folder({ mode: 0o777 }), 'may be written to by others and is not sticky'],
  ["a group's, not sticky", folder({ mode: 0o775 }), 'may be written to by others and is not sticky'],
  ['a third user’s, who may swap what is in it', folder({ uid: 666 }), 'belongs to user 666'],
  ['a file', folder({ kind: 'other' }), 'is not a folder'],
])('a folder that is %s', (_, facts, distrust) => {
  expect(distrustFolder(facts, 501)).toBe(distrust)
})

it.each([
  ['its own', { kind: 'socket', uid: 501, mode: 0o660 }, null],
  [
    'a stranger’s under that name',
    { kind: 'socket', uid: 666, mode: 0o666 },
    'belongs to user 666, not to user 501 as its name claims',
  ],
  ['a link or a file of its own', { kind: 'other', uid: 501, mode: 0o777 }, 'is not a socket'],
] as const)('a socket that is %s', (_, facts, distrust) => {
  expect(distrustSocket(facts, 501)).toBe(distrust)
})

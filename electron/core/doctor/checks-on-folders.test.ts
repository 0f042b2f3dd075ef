// Folders that other users may write to or replace.
import { expect, it } from 'vitest'
import { type FolderFacts, judgeFolders } from './checks-on-folders.ts'

const state = { path: '/home/ann/nexus', role: 'private', uid: 1000, mode: 0o40700 } as const
const runtime = { path: '/opt/rt', role: 'runtime', uid: 0, mode: 0o40755 } as const
const above = { path: '/tmp', role: 'above', uid: 0, mode: 0o41777 } as const

const judge = (...folders: readonly FolderFacts[]) => judgeFolders(folders, '/home/ann/nexus', 1000)

it('passes private state, a runtime of root and a sticky parent', () => {
  expect(judge(state, runtime, above)).toEqual({
    level: 'ok',
    found: '2 folders, none writable for other users',
    mend: null,
  })
})

it.each([
  ['other users may read it', { ...state, mode: 0o40755 }, 'warn', 'chmod 700 /home/ann/nexus'],
  ['everyone may write to it', { ...state, mode: 0o40777 }, 'fail', 'ls -ld /home/ann/nexus'],
  ['it is another user’s', { ...state, uid: 1001 }, 'fail', 'ls -ld /home/ann/nexus'],
  ['others can put programs into it', { ...runtime, mode: 0o40777 }, 'fail', 'chmod go-w /opt/rt'],
  ['folders in it can be replaced', { ...above, path: '/srv', mode: 0o40777 }, 'fail', 'chmod o-w /srv'],
] as const)('says it where %s', (_what, folder, level, mend) => {
  expect(judge(folder)).toMatchObject({ level, mend })
})

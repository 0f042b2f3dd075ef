// The socket for other users, with real sockets: who may reach it, what it refuses, and what is never touched.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Command } from '../../../contract/command.ts'
import type { Guests } from '../../../contract/config.ts'
import { sampleSnapshot } from '../../../contract/test-support/sample-snapshot.ts'
import { createCommandRunner } from '../../platform/run-command.ts'
import { readOwnUid, readOwnUserName } from '../../platform/user-name.ts'
import { attachAsGuest } from './attach-as-guest.ts'
import { describeGuestCommand, guestLink } from './guest-link.ts'
import { createGuestSocket, type GuestSocket } from './guest-socket.ts'
import { readSharedFolder } from './read-shared-folder.ts'
import { sharedSocketName } from './shared-socket.ts'

let sharedDir: string
let path: string
let errors: string[]
let commands: Command[]
let open: GuestSocket[]
const run = createCommandRunner()

beforeEach(() => {
  sharedDir = realpathSync(mkdtempSync(join(tmpdir(), 'nexus-shared-')))
  path = join(sharedDir, sharedSocketName(readOwnUid()))
  errors = []
  commands = []
  open = []
})

afterEach(async () => {
  for (const socket of open) await socket.close()
  rmSync(sharedDir, { recursive: true, force: true })
})

const create = (guests: Guests | null, platform: 'darwin' | 'linux' = 'linux'): GuestSocket => {
  const link = guestLink(
    {
      readSnapshot: async () => sampleSnapshot,
      watch: (tell) => ({
        begun: Promise.resolve().then(() => tell(sampleSnapshot)),
        setWatched: () => {},
        stop: () => {},
      }),
      watchHistory: (tell) => {
        tell([])
        return () => {}
      },
      ask: () => Promise.reject(new Error('asked')),
      dispatchForGuest: async (command) => {
        commands.push(command)
        return { accepted: true }
      },
    },
    'ann',
  )
  const onError = (reason: string) => void errors.push(reason)
  const socket = createGuestSocket({ sharedDir, link, platform, run, onError })
  socket.use(guests)
  open.push(socket)
  return socket
}

const isThere = () => expect.poll(() => lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0)
const attach = async () => {
  const client = await attachAsGuest(sharedDir)
  if (client === null) throw new Error('the socket refused us')
  return client
}

it('lets in everyone, named by the socket’s owner, and is gone at its end', async () => {
  const socket = create('everyone')
  await isThere().toBe(0o140666)
  const client = await attach()
  const user = readOwnUserName()
  expect(client.user).toBe(user)
  expect((await client.readSnapshot()).owner).toEqual({ ...sampleSnapshot.owner, user })
  const told = await new Promise((resolve) => client.watch(resolve))
  expect(told).toMatchObject({ owner: { user } })
  await Promise.all([socket.close(), socket.close()])
  await client.closed
  expect(existsSync(path)).toBe(false)
  expect(await attachAsGuest(sharedDir)).toBeNull()
})

it('gives guests what starts and stops, and refuses the rest on the core’s side', async () => {
  create('everyone')
  await isThere().toBe(0o140666)
  const client = await attach()
  const stop: Command = { type: 'stop', only: 'proxy', eject: false, now: false, force: false }
  expect(await client.dispatch(stop)).toEqual({ accepted: true })
  expect(describeGuestCommand(stop)).toBe('Another user of this machine asked to stop the Router')
  expect(await client.dispatch({ type: 'key', action: 'rotate', developer: 'ann' })).toMatchObject({
    accepted: false,
    reason: expect.stringContaining("This stack is ann's"),
  })
  expect(commands).toEqual([stop])
  await expect(client.ask({ type: 'doctor' })).rejects.toThrow('asked')
  await expect(client.ask({ type: 'settings' })).rejects.toThrow('belong to ann')
  await expect(client.ask({ type: 'logTail', log: 'proxy', lines: 1 })).rejects.toThrow('belong to ann')
  await expect(client.readSnippet({ developer: 'ann', snippet: 'bash' })).rejects.toThrow('belong to ann')
  const lines: string[] = []
  client.followLog('core', (told) => lines.push(...told))
  await client.readSnapshot()
  expect(lines).toEqual([])
  client.close()
})

it('is for one group where the config names one', async () => {
  const mine = await run(['id', '-gn'])
  const group = mine.kind === 'exited' ? mine.stdout.trim() : ''
  create({ group })
  await isThere().toBe(0o140660)
  expect(statSync(path).gid).toBe(process.getgid?.())
})

it('is not opened to others when the group is none', async () => {
  create({ group: 'no-such-group-here' })
  await expect.poll(() => errors[0]).toContain('could not give it to the group no-such-group-here')
  expect(existsSync(path)).toBe(false)
})

it('is not there by default, except on macOS for the group staff', async () => {
  await create(null).close()
  expect(existsSync(path)).toBe(false)
  const asked: string[][] = []
  const socket = createGuestSocket({
    sharedDir,
    link: guestLink({ ...notAsked, dispatchForGuest: async () => ({ accepted: true }) }, 'ann'),
    platform: 'darwin',
    run: async (argv) => {
      asked.push([...argv])
      return { kind: 'exited', exitCode: 0, stdout: '', stderr: '' }
    },
    onError: (reason) => void errors.push(reason),
  })
  socket.use(null)
  await isThere().toBe(0o140660)
  expect(asked).toEqual([['chgrp', 'staff', path]])
  await socket.close()
})

const notAsked = {
  readSnapshot: () => Promise.reject(new Error('not asked')),
  watch: () => ({ begun: Promise.resolve(), setWatched: () => {}, stop: () => {} }),
  watchHistory: () => () => {},
  ask: () => Promise.reject(new Error('not asked')),
}

it('follows the config from one to the other', async () => {
  const socket = create('everyone')
  await isThere().toBe(0o140666)
  socket.use('none')
  await isThere().toBe(0)
  socket.use('everyone')
  await isThere().toBe(0o140666)
  expect(errors).toEqual([])
})

it('takes the place of a socket that a killed core left there', async () => {
  const left = createServer()
  await new Promise<void>((resolve) => left.listen(`${path}.x`, resolve))
  const { ino } = lstatSync(`${path}.x`)
  // Closing takes the file away, so it is under another name then.
  const renamed = await run(['mv', `${path}.x`, path])
  expect(renamed).toMatchObject({ exitCode: 0 })
  await new Promise((resolve) => left.close(resolve))
  expect(lstatSync(path).ino).toBe(ino)
  create('everyone')
  await expect.poll(async () => (await attachAsGuest(sharedDir))?.user ?? null).toBe(readOwnUserName())
})

it.each([
  ['a file', () => writeFileSync(path, 'mine'), 'is not a socket'],
  ['a link', () => symlinkSync('/etc/passwd', path), 'is not a socket'],
  ['a link to nothing', () => symlinkSync('/nowhere', path), 'is not a socket'],
])('leaves %s alone that lies in its place', async (_, lay, words) => {
  lay()
  const before = lstatSync(path)
  create('everyone')
  await expect.poll(() => errors[0]).toContain(words)
  expect(lstatSync(path)).toMatchObject({ ino: before.ino, mode: before.mode })
})

it.skipIf(readOwnUid() !== 0)(
  "leaves alone a stranger's socket under this user's name, and never attaches to it",
  async () => {
    const hostile = createServer((socket) => socket.resume())
    await new Promise<void>((resolve) => hostile.listen(path, resolve))
    chmodSync(path, 0o666)
    chmodSync(sharedDir, 0o1777)
    chownSync(path, 65_533, 65_533)
    expect(readSharedFolder(sharedDir)).toMatchObject([
      { uid: 0, distrust: 'belongs to user 65533, not to user 0 as its name claims' },
    ])
    expect(await attachAsGuest(sharedDir)).toBeNull()
    create('everyone')
    await expect.poll(() => errors[0]).toContain('belongs to user 65533')
    expect(lstatSync(path).uid).toBe(65_533)
    await new Promise((resolve) => hostile.close(resolve))
  },
)

it('leaves alone the socket of another core of this user, which still answers', async () => {
  create('everyone')
  await isThere().toBe(0o140666)
  create('everyone')
  await expect.poll(() => errors[0]).toContain('another core of this user listens on')
  expect((await attach()).user).toBe(readOwnUserName())
})

it('is not made in, nor looked for in, a folder where others may swap it', async () => {
  create('everyone')
  await isThere().toBe(0o140666)
  chmodSync(sharedDir, 0o777)
  expect(readSharedFolder(sharedDir)).toMatchObject([
    { path, uid: readOwnUid(), distrust: expect.stringContaining('is not sticky') },
  ])
  expect(await attachAsGuest(sharedDir)).toBeNull()
  create('everyone')
  await expect.poll(() => errors[0]).toContain('is not sticky')
})

it.each([
  ['speaks otherwise', 'hello\n'],
  ['says nothing', ''],
])('is passed over when what listens there %s', async (_, greeting) => {
  const stranger = createServer((socket) => socket.resume().write(greeting))
  await new Promise<void>((resolve) => stranger.listen(path, resolve))
  expect(await attachAsGuest(sharedDir)).toBeNull()
  await new Promise((resolve) => stranger.close(resolve))
})

it('is nowhere when the state folder is private', async () => {
  expect(await attachAsGuest(null)).toBeNull()
})

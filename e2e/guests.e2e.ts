// Two users of one machine and one stack: the second one's real `nexus`, under another uid, commands the first one's.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SnapshotSchema } from '../electron/contract/snapshot.ts'
import { openDesktop } from './desktop.ts'
import { openApp } from './electron-app.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'
import { canBeAnotherUser, createSecondUsers, type SecondUser, type SecondUsers } from './second-user.ts'

if (!canBeAnotherUser) console.warn('guests.e2e.ts is left out: only root can be a second user')

const groupId = 65_534
const electronPath = process.env['NEXUS_TEST_ELECTRON'] ?? ''
const picturesDir = join(import.meta.dirname, '..', 'out', 'test-results', 'app')
const socketName = '.opta-nexus-0.sock'

describe.skipIf(!canBeAnotherUser)('a second user', () => {
  const sharedDir = mkdtempSync(join(tmpdir(), 'nexus-shared-'))
  // As /Volumes is: where everybody can go.
  const volumesDir = mkdtempSync(join(tmpdir(), 'nexus-volumes-'))
  const mountPoint = join(volumesDir, 'Forge')
  let owner: NexusUnderTest
  let users: SecondUsers
  /** In the group that the config names, and not. */
  let guest: SecondUser
  let stranger: SecondUser

  const asOwner = (...words: string[]) => owner.runWith({ NEXUS_SHARED: sharedDir }, ...words)
  const readStatus = async (who: SecondUser) =>
    SnapshotSchema.parse(JSON.parse((await who.run('status', '--json')).stdout))
  const readClientKeys = () => readFileSync(join(owner.home, 'keys', 'clients.json'), 'utf8')

  beforeAll(async () => {
    chmodSync(sharedDir, 0o1777)
    chmodSync(volumesDir, 0o755)
    owner = await createNexus({ ramDisk: { mountPoint } })
    owner.useProfile()
    const group = /^([^:]+):[^:]*:65534:/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]
    const configPath = join(owner.home, 'config.json')
    const config: unknown = JSON.parse(readFileSync(configPath, 'utf8'))
    writeFileSync(configPath, JSON.stringify(Object.assign({ guests: { group } }, config)))
    users = createSecondUsers()
    const env = { NEXUS_SHARED: sharedDir }
    guest = users.add({ uid: groupId, gid: groupId }, env)
    stranger = users.add({ uid: 65_533, gid: 65_533 }, env)
    const { code, stderr } = await asOwner('up', '--only', 'ramDisk')
    if (code !== 0) throw new Error(stderr)
  })

  afterAll(async () => {
    await owner?.dispose()
    users?.dispose()
    for (const dir of [sharedDir, volumesDir]) rmSync(dir, { recursive: true, force: true })
  })

  it('shows the stack’s owner to a group member, and nothing to others', async () => {
    expect(statSync(join(sharedDir, socketName)).mode & 0o777).toBe(0o660)
    expect((await readStatus(guest)).owner).toMatchObject({ user: 'root', background: true })
    expect((await guest.run('status')).stdout).toContain("root's stack")
    expect((await stranger.run('status')).code).toBe(3)
  })

  it('builds on its RAM disk, wherever that is', async () => {
    const forge = JSON.parse((await guest.run('forge', 'status', '--json')).stdout)
    expect(forge).toMatchObject({ mountPoint, mounted: true, prepared: true })
    expect(JSON.parse((await stranger.run('forge', 'status', '--json')).stdout).mounted).toBe(false)
  })

  it('starts it with its proof instead of a second one, and gets no key', async () => {
    const started = await guest.run('up')
    expect(started).toMatchObject({ code: 0, stderr: '' })
    expect(started.stdout).toContain("root's stack answers at")
    const { owner: whose, proof, services } = await owner.readSnapshot()
    expect(whose.user).toBeUndefined()
    expect(proof?.outputTokens).toBeGreaterThan(0)
    expect((await readStatus(guest)).services.llamaServer.pid).toBe(services.llamaServer.pid)
    const keys = readClientKeys().match(/sk-[A-Za-z0-9_-]{8,}/g) ?? []
    expect(keys.length).toBeGreaterThan(0)
    const seen = [started, await guest.run('clients', '--json'), await guest.run('status', '--json')]
    for (const key of keys) expect(JSON.stringify(seen)).not.toContain(key)
  })

  it.each([
    [['clients'], 'ask root for yours'],
    [['key', 'list'], 'belong to root'],
    [['key', 'rotate', 'user1'], 'belong to root'],
    [['logs', 'proxy'], 'other people’s prompts'],
    [['down', '--eject'], 'only root may do this'],
    [['up', '--force'], 'only root may do this'],
    [['up', '--replace-foreign'], 'only root may do this'],
    [['up', '--profile', '/etc/shadow'], 'not from a file'],
    [['bench', 'model', '--yes'], 'only root may bench it'],
  ])('is refused %j in words', async (words, reason) => {
    const before = readClientKeys()
    const { code, stderr } = await guest.run(...words)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(reason) })
    expect(readClientKeys()).toBe(before)
  })

  it.skipIf(electronPath === '')(
    'has an app that says whose stack it is, and quits without asking',
    async () => {
      const desktop = await openDesktop()
      // Of another state folder: Electron would not start under a uid that has no home.
      const home = mkdtempSync(join(tmpdir(), 'nexus-guest-'))
      mkdirSync(picturesDir, { recursive: true })
      try {
        const app = await openApp({
          executablePath: electronPath,
          appDir: process.env['NEXUS_TEST_APP'] ?? '',
          desktop: { ...desktop, env: { ...desktop.env, NEXUS_SHARED: sharedDir } },
          home,
        })
        await app.emit('activate')
        const { link } = await app.until((state) => state.snapshot?.overall === 'ready', 30_000)
        expect(link).toMatchObject({ kind: 'attached', user: 'root' })
        await app.untilShown('p', 'root’s stack, you are a guest')
        await app.page.screenshot({ path: join(picturesDir, 'guest.png') })
        await app.answerQuestions(2)
        await app.quit()
        expect((await owner.readSnapshot()).overall).toBe('ready')
      } finally {
        await desktop.close()
        rmSync(home, { recursive: true, force: true })
      }
    },
  )

  it('stops it, and can start it again: the core in the background has stayed', async () => {
    const stopped = await guest.run('down', '--now')
    expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining("root's stack is stopped") })
    expect((await owner.readSnapshot()).events.map(({ text }) => text)).toContain(
      'Another user of this machine asked to stop everything',
    )
    expect((await guest.run('up', '--only', 'ramDisk')).code).toBe(0)
    expect((await readStatus(guest)).owner.user).toBe('root')
  })

  it('sees nothing once its owner has ended it', async () => {
    expect((await asOwner('down')).code).toBe(0)
    expect(existsSync(join(sharedDir, socketName))).toBe(false)
    expect((await guest.run('status')).code).toBe(3)
  })
})

// The app as a guest: another core's shared socket before a core of its own, whose it is, and what comes after its end.
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ensureStateFolder, locateStateFolder, type StateFolder } from '../config/state-folder.ts'
import { type CoreConnection, connectCore, type LinkState } from '../control/connect-core.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import { readOwnUserName } from '../platform/user-name.ts'
import { type HostedCore, hostCore } from './host-core.ts'

let base: string
let host: StateFolder
let own: StateFolder
let cores: HostedCore[]
let app: CoreConnection | null

/** Two state folders of this one user stand for two users: the file's owner is then the same. */
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'nexus-guest-')))
  const locate = (name: string) => {
    const env = { NEXUS_HOME: join(base, name), NEXUS_SHARED: base }
    const folder = locateStateFolder(env, process.platform, base)
    ensureStateFolder(folder)
    return folder
  }
  host = locate('host')
  own = locate('own')
  chmodSync(base, 0o1777)
  writeFileSync(host.configPath, '{"guests":"everyone"}')
  cores = []
  app = null
})

afterEach(async () => {
  await app?.close()
  for (const core of cores) await core.close()
  rmSync(base, { recursive: true, force: true })
})

const serve = async (folder: StateFolder): Promise<HostedCore | null> => {
  const hosted = await hostCore({
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    background: false,
    resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources'),
    env: {},
  })
  if (hosted !== null) cores.push(hosted)
  return hosted
}

const open = (start: () => Promise<'own' | 'guest'> = async () => 'guest') => {
  const states: LinkState[] = []
  let told = () => {}
  app = connectCore({
    folder: own,
    start,
    onState: (state) => {
      states.push(state)
      told()
    },
  })
  return async (kind: LinkState['link']['kind']): Promise<LinkState> => {
    for (;;) {
      const last = states.at(-1)
      if (last?.link.kind === kind) return last
      await new Promise<void>((resolve) => {
        told = resolve
      })
    }
  }
}

it('attaches, says whose it is, and waits for it to come back instead of taking its place', async () => {
  const first = await serve(host)
  const until = open()
  const user = readOwnUserName()
  const { link, snapshot } = await until('attached')
  expect(link).toMatchObject({ kind: 'attached', user })
  expect(snapshot?.owner.user).toBe(user)
  // The first state arrives a moment before commands can be sent.
  await new Promise<void>((resolve) => {
    app?.withEachCore(() => {
      resolve()
      return () => {}
    })
  })
  expect(
    await app?.dispatch({ type: 'start', only: null, profile: null, force: false, setUp: true }),
  ).toMatchObject({
    accepted: false,
    reason: expect.stringContaining(`This stack is ${user}'s`),
  })
  await first?.close()
  expect((await until('lost')).link).toMatchObject({ reason: expect.stringContaining('attaches again') })
  await serve(host)
  await until('attached')
})

it('attaches to its own core as soon as that one is there', async () => {
  const first = await serve(host)
  const until = open()
  await until('attached')
  await first?.close()
  await until('lost')
  await serve(own)
  expect((await until('attached')).link).toMatchObject({ user: null })
})

it('attaches to its own core if one was started, even if another user runs one', async () => {
  await serve(host)
  const until = open(async () => {
    await serve(own)
    return 'own'
  })
  expect((await until('attached')).link).toMatchObject({ user: null })
})

// Where everything lives, and that its socket can be bound there.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  distrustSocketFolder,
  ensureStateFolder,
  judgePrivateFolder,
  judgeRuntimeFolder,
  locateStateFolder,
  refuseForeignFolder,
} from './state-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('locateStateFolder', () => {
  it.each([
    ['darwin', {}, '/home/ann/Library/Application Support/Opta Nexus'],
    ['linux', {}, '/home/ann/.local/state/opta-nexus'],
    ['linux', { XDG_STATE_HOME: '/var/ann' }, '/var/ann/opta-nexus'],
    ['linux', { XDG_STATE_HOME: '' }, '/home/ann/.local/state/opta-nexus'],
    ['darwin', { NEXUS_HOME: '/srv/nexus' }, '/srv/nexus'],
    ['linux', { NEXUS_HOME: '/srv/nexus', XDG_STATE_HOME: '/var/ann' }, '/srv/nexus'],
  ] as const)('on %s with %o is %s', (platform, env, root) => {
    expect(locateStateFolder(env, platform, '/home/ann').root).toBe(root)
  })

  it('contains everything of ours, but several can share what set-up installs', () => {
    const located = locateStateFolder({ NEXUS_HOME: '/srv/nexus' }, 'linux', '/home/ann')
    const { root, logPath, sharedDir, ...paths } = located
    expect(sharedDir).toBeNull()
    for (const path of [...Object.values(paths), logPath('core'), logPath('llamaServer')]) {
      expect(path.startsWith(`${root}/`)).toBe(true)
    }
    const env = { NEXUS_HOME: '/srv/nexus', NEXUS_RUNTIME: '/opt/shared' }
    expect(locateStateFolder(env, 'linux', '/home/ann').runtimeDir).toBe('/opt/shared')
  })

  it.each([
    ['darwin', {}, '/Users/Shared'],
    ['linux', { XDG_STATE_HOME: '/var/ann' }, '/tmp'],
    ['linux', { NEXUS_SHARED: '/run/nexus' }, '/run/nexus'],
    ['linux', { NEXUS_HOME: '/srv/nexus', NEXUS_SHARED: '/run/nexus' }, '/run/nexus'],
    ['linux', { NEXUS_HOME: '/srv/nexus', NEXUS_SHARED: '' }, null],
  ] as const)('on %s with %o meets other users in %s', (platform, env, sharedDir) => {
    expect(locateStateFolder(env, platform, '/home/ann').sharedDir).toBe(sharedDir)
  })

  it.each([
    ['darwin', {}, '/Users/Shared/Models'],
    ['linux', {}, '/home/ann/.local/share/opta-nexus/models'],
    ['linux', { XDG_DATA_HOME: '/data' }, '/data/opta-nexus/models'],
    ['linux', { NEXUS_HOME: '/srv/nexus', XDG_DATA_HOME: '/data' }, '/srv/nexus/models'],
    ['darwin', { NEXUS_HOME: '/srv/nexus', NEXUS_MODELS: '/Volumes/Big/Models' }, '/Volumes/Big/Models'],
  ] as const)('on %s with %o fetches models into %s', (platform, env, modelsDir) => {
    expect(locateStateFolder(env, platform, '/home/ann').modelsDir).toBe(modelsDir)
  })

  it('refuses a relative NEXUS_SHARED', () => {
    expect(() => locateStateFolder({ NEXUS_SHARED: 'shared' }, 'linux', '/home/ann')).toThrow(
      'NEXUS_SHARED is "shared"; it must be an absolute path',
    )
  })

  it('refuses a relative NEXUS_HOME, which would differ in each folder', () => {
    expect(() => locateStateFolder({ NEXUS_HOME: 'nexus' }, 'linux', '/home/ann')).toThrow(
      'NEXUS_HOME is "nexus"; it must be an absolute path',
    )
  })

  it('has a socket path that is short enough, however deep the folder is', () => {
    const at = (root: string) => locateStateFolder({ NEXUS_HOME: root }, 'linux', '/home/ann').socketPath
    const justFits = `/${'x'.repeat(89)}`
    expect(Buffer.byteLength(at(justFits))).toBe(103)
    expect(at(justFits)).toBe(`${justFits}/control.sock`)
    // Bytes count, not characters.
    for (const root of [`${justFits}x`, `/${'ü'.repeat(50)}`, `/${'deep/'.repeat(40)}`]) {
      expect(Buffer.byteLength(at(root))).toBeLessThanOrEqual(103)
      expect(at(root).startsWith(root)).toBe(false)
      expect(at(root)).toBe(at(root))
    }
    expect(at(`${justFits}x`)).not.toBe(at(`${justFits}y`))
  })
})

describe('sockets of a state folder whose path is too long for them', () => {
  const deep = `/${'deep/'.repeat(40)}`
  const uid = process.getuid?.() ?? 0

  // launchd's job, an SSH session and a Terminal window each have a $TMPDIR of their own, or none (issue 11).
  it('are in one place, whatever TMPDIR and HOME are', () => {
    const at = (platform: NodeJS.Platform, tmp: string, home: string) => {
      vi.stubEnv('TMPDIR', tmp)
      const located = locateStateFolder({ NEXUS_HOME: deep, TMPDIR: tmp }, platform, home)
      return [located.socketPath, located.feedSocketPath]
    }
    try {
      const darwin = at('darwin', '/var/folders/x1/T', '/Users/ann')
      expect(darwin).toEqual([
        expect.stringMatching(new RegExp(`^/Users/Shared/\\.opta-nexus-${uid}/[0-9a-f]{16}\\.sock$`)),
        expect.stringMatching(new RegExp(`^/Users/Shared/\\.opta-nexus-${uid}/[0-9a-f]{16}-router\\.sock$`)),
      ])
      expect(at('darwin', '', '/var/empty')).toEqual(darwin)
      const linux = at('linux', '/run/user/1000/tmp', '/home/ann')
      expect(linux[0]).toMatch(new RegExp(`^/tmp/\\.opta-nexus-${uid}/[0-9a-f]{16}\\.sock$`))
      expect(at('linux', '/var/tmp', '/root')).toEqual(linux)
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('are in it if they fit, also when its name ends with a slash', () => {
    const located = locateStateFolder({ NEXUS_HOME: `${folder}/` }, process.platform, '/')
    chmodSync(folder, 0o755)
    ensureStateFolder(located)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('can be bound and found there, in a folder only for this user', async () => {
    const located = locateStateFolder({ NEXUS_HOME: join(folder, 'x'.repeat(100)) }, process.platform, '/')
    ensureStateFolder(located)
    expect(() => refuseForeignFolder(located)).not.toThrow()
    expect(statSync(join(located.socketPath, '..')).mode & 0o777).toBe(0o700)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(located.socketPath, resolve))
    await new Promise((resolve) => server.close(resolve))
  })

  const inSticky = (parentMode: number) => {
    chmodSync(folder, parentMode)
    return join(folder, '.opta-nexus')
  }

  it('are not looked for in a folder that another user created first', () => {
    const dir = inSticky(0o1777)
    expect(distrustSocketFolder(dir, uid)).toBeNull()
    mkdirSync(dir, { mode: 0o755 })
    expect(distrustSocketFolder(dir, uid)).toBeNull()
    // root may read everything, and is not safe there either.
    chownIfRoot(dir, 4_711)
    expect(distrustSocketFolder(dir, uid === 0 ? 0 : uid + 1)).toMatch(
      /^.*\.opta-nexus, for the core's sockets, must be a folder owned by this user \(\d+\), but is owned by uid \d+: sudo rm -r /,
    )
  })

  it('are not looked for behind a link, or where others may rename the folder', () => {
    const dir = inSticky(0o1777)
    mkdirSync(join(folder, 'open'))
    symlinkSync(join(folder, 'open'), dir)
    expect(distrustSocketFolder(dir, uid)).toContain('is not a folder: sudo rm -r')
    chmodSync(folder, 0o777)
    expect(distrustSocketFolder(dir, uid)).toContain('is writable by others and not sticky')
  })

  const chownIfRoot = (path: string, owner: number) => {
    if (uid === 0) chownSync(path, owner, owner)
  }
})

describe('ensureStateFolder', () => {
  it('makes folders private, and makes open ones private again', () => {
    const located = locateStateFolder({ NEXUS_HOME: join(folder, 'new', 'nexus') }, 'linux', '/home/ann')
    ensureStateFolder(located)
    chmodSync(located.keysDir, 0o755)
    ensureStateFolder(located)
    for (const dir of [located.root, located.keysDir, located.logsDir, located.proxyDir]) {
      expect(statSync(dir).mode & 0o777).toBe(0o700)
    }
  })

  it('leaves a folder shared by all users open', () => {
    const shared = join(folder, 'tmp')
    mkdirSync(shared)
    chmodSync(shared, 0o1777)
    const located = locateStateFolder({ NEXUS_HOME: shared }, 'linux', '/home/ann')
    expect(() => ensureStateFolder(located)).toThrow(
      `${shared} is shared by all users: use a folder inside it, such as NEXUS_HOME=${shared}/opta-nexus`,
    )
    expect(statSync(shared).mode & 0o7777).toBe(0o1777)
  })

  it('creates a folder where a socket can be bound, also for a deep state folder', async () => {
    const deep = join(folder, 'deep'.repeat(20), 'deeper'.repeat(20))
    const located = locateStateFolder({ NEXUS_HOME: deep }, process.platform, '/home/ann')
    ensureStateFolder(located)
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(located.socketPath, resolve)
    })
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('judgePrivateFolder', () => {
  const judge = (uid: number, mode: number, ownUid: number) =>
    judgePrivateFolder('/home/ann/a b/keys', '/home/ann/a b', { uid, mode }, ownUid)

  it('changes only its own folders', () => {
    expect(judge(1000, 0o40700, 1000)).toBeNull()
    expect(judge(1000, 0o40755, 1000)).toBeNull()
    // A group is often a user's own.
    expect(judge(1000, 0o40775, 1000)).toBeNull()
  })

  it.each([
    [1000, 0o40777, 1000],
    [0, 0o40777, 0],
    [0, 0o40775, 0],
  ])('refuses one of uid %i with mode %o for uid %i, and says how to close it', (uid, mode, ownUid) => {
    expect(judge(uid, mode, ownUid)).toContain(
      `is writable by others (mode ${(mode & 0o777).toString(8)}), who may have put something into it: check its contents, then chmod 700 '/home/ann/a b/keys'`,
    )
  })

  it.each([0o40700, 0o40755, 0o40777])('refuses another user’s with mode %o to root', (mode) => {
    expect(judge(1000, mode, 0)).toContain(
      "or take it over: chown -R 0 '/home/ann/a b' && chmod 700 '/home/ann/a b'",
    )
  })

  it('explains how to give another user’s back', () => {
    expect(judge(0, 0o40700, 1000)).toContain(
      "belongs to uid 0, not to this user (1000). If nexus was run with sudo and created it, give it back: sudo chown -R 1000 '/home/ann/a b'",
    )
  })

  it('never suggests taking over a folder shared by all users', () => {
    for (const own of [0, 1000]) expect(judge(0, 0o41777, own)).not.toContain('chown')
  })
})

describe('a real folder of another user', () => {
  const locate = () => locateStateFolder({ NEXUS_HOME: join(folder, 'home') }, 'linux', '/home/ann')

  it('keys that everyone may write to are neither used nor read', () => {
    const located = locate()
    ensureStateFolder(located)
    chmodSync(located.keysDir, 0o777)
    for (const look of [ensureStateFolder, refuseForeignFolder])
      expect(() => look(located)).toThrow(`chmod 700 ${located.keysDir}`)
    expect(statSync(located.keysDir).mode & 0o777).toBe(0o777)
    chmodSync(located.keysDir, 0o700)
    refuseForeignFolder(located)
  })

  it.skipIf(process.geteuid?.() !== 0)("root uses no other user's folder, not even through a link", () => {
    const located = locate()
    const real = join(folder, 'real')
    mkdirSync(real)
    chownSync(real, 1000, 1000)
    symlinkSync(real, located.root)
    for (const look of [ensureStateFolder, refuseForeignFolder])
      expect(() => look(located)).toThrow('belongs to uid 1000 (mode 755), but this is root')
  })

  it('a runtime folder may belong to root, but to no other user', () => {
    const judge = (uid: number, mode: number, ownUid: number) =>
      judgeRuntimeFolder('/opt/rt', { uid, mode }, ownUid)
    expect(judge(0, 0o40755, 1000)).toBeNull()
    expect(judge(1000, 0o40755, 1000)).toBeNull()
    expect(judge(1000, 0o40755, 0)).toContain('belongs to uid 1000')
    expect(judge(0, 0o40777, 1000)).toContain('chmod go-w /opt/rt')
  })
})

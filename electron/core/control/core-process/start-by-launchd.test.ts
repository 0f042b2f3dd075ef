// A real core, started through a launchctl that is imitated and really starts and ends processes.
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateStateFolder, type StateFolder } from '../../config/state-folder.ts'
import { createLaunchd, type Launchd } from '../../platform/launchd/launchd.ts'
import { createTestMac, type TestMac } from '../../platform/test-support/mac.ts'
import { logOut } from '../../platform/test-support/mac-launchd.ts'
import { attachToCore } from '../client.ts'
import type { CoreProgram } from './core-program.ts'
import { startCoreByLaunchd } from './start-by-launchd.ts'

const label = 'ai.opta.nexus.core.test'
const root = join(import.meta.dirname, '..', '..', '..', '..')

describe.skipIf(process.platform !== 'linux')('a core by launchd (imitated)', () => {
  let mac: TestMac
  let home: string
  let folder: StateFolder
  let live: boolean

  beforeEach(() => {
    mac = createTestMac({ executables: true })
    home = realpathSync(mkdtempSync(join(tmpdir(), 'nexus job ')))
    folder = locateStateFolder({ NEXUS_HOME: home }, 'linux', home)
    live = false
  })
  afterEach(() => {
    mac.remove()
    rmSync(home, { recursive: true, force: true })
  })

  const program = (changed: Partial<CoreProgram> = {}): CoreProgram => ({
    nodePath: process.execPath,
    nodeArgs: ['--disable-warning=ExperimentalWarning'],
    entryPath: join(root, 'electron', 'cli', 'main.ts'),
    env: { NEXUS_ROOT: root },
    folder,
    ...changed,
  })
  const start = (changed: Partial<CoreProgram> = {}) =>
    startCoreByLaunchd(program(changed), {
      launchd: createLaunchd({ run: mac.run, uid: 501, pollMs: 20 }),
      label,
      homeDir: home,
      serversLive: async () => live,
      pollMs: 20,
    })
  const readOwner = async () => {
    const core = await attachToCore(folder.socketPath)
    if (core === null) throw new Error('no core listens')
    const { owner } = await core.readSnapshot()
    core.close()
    return owner
  }
  const calls = (verb: string) => mac.journal().filter((line) => line.startsWith(`launchctl ${verb}`))

  it('listens, is found again instead of started twice, and comes back after kill -9', async () => {
    await start()
    const plistPath = join(home, 'launchd', `${label}.plist`)
    expect(statSync(plistPath).mode & 0o777).toBe(0o600)
    const first = await readOwner()
    expect(first).toMatchObject({ background: true })
    expect(readFileSync(`/proc/${first.pid}/environ`, 'utf8')).toContain(`XPC_SERVICE_NAME=${label}`)
    await start()
    expect(await readOwner()).toEqual(first)
    expect(calls('bootstrap')).toHaveLength(1)
    process.kill(first.pid, 'SIGKILL')
    live = true
    await start()
    expect((await readOwner()).pid).not.toBe(first.pid)
    expect(calls('bootout')).toEqual([])
  }, 60_000)

  it('runs in the user domain with no user at the screen', async () => {
    mac.change(logOut)
    await start()
    expect(Object.keys(mac.read().jobs)).toEqual([`user/501/${label}`])
    await readOwner()
  }, 60_000)

  it('says with which words it ended when it could not start', async () => {
    await expect(start({ entryPath: join(home, 'not-there.mjs') })).rejects.toThrow(
      /the core ended at once \(exit status 1\): .*core\.log/s,
    )
  }, 60_000)

  it('names the folder that macOS protects from launchd, if it is in one', async () => {
    await expect(start({ entryPath: join(home, 'Documents', 'nexus.mjs') })).rejects.toThrow(
      `Nexus is in ${join(home, 'Documents')}`,
    )
  }, 60_000)

  it('is started again when it was found running just while its job was unloaded', async () => {
    const real = createLaunchd({ run: mac.run, uid: 501, pollMs: 20 })
    let starts = 0
    const launchd: Launchd = {
      ...real,
      start: async (request) => {
        starts += 1
        return starts === 1
          ? { kind: 'runs', domain: 'gui/501', pid: 4711, already: true }
          : real.start(request)
      },
    }
    await startCoreByLaunchd(program(), {
      launchd,
      label,
      homeDir: home,
      serversLive: async () => live,
      pollMs: 20,
    })
    expect(starts).toBe(2)
    await readOwner()
  }, 60_000)

  it('says why launchd did not take it', async () => {
    mac.change((state) => {
      state.failing['launchctl bootstrap'] = { exitCode: 134, stdout: '', stderr: 'Bootstrap failed: 134\n' }
    })
    await expect(start()).rejects.toThrow(/launchd did not start the core: .*login session/)
  }, 60_000)
})

// The core as a job of launchd with the real servers below it. launchctl is imitated (electron/core/platform/test-support/mac-launchd.ts):
// it really starts and ends processes, and ends what launchd is said to end. The core itself runs as on Linux.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { locateStateFolder } from '../electron/core/config/state-folder.ts'
import { startCoreByLaunchd } from '../electron/core/control/core-process/start-by-launchd.ts'
import { createLaunchd, type Launchd } from '../electron/core/platform/launchd/launchd.ts'
import { createTestMac, type TestMac } from '../electron/core/platform/test-support/mac.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const root = join(import.meta.dirname, '..')
const label = 'ai.opta.nexus.core.e2e'
const settleMs = 120_000

const isReady = ({ overall }: Snapshot) => overall === 'ready'

// What a job started is found through /proc.
describe.skipIf(process.platform !== 'linux')('a core by launchd (imitated) on the demo stack', () => {
  let mac: TestMac
  let launchd: Launchd
  let nexus: NexusUnderTest
  let before: Snapshot

  const startCore = () =>
    startCoreByLaunchd(
      {
        nodePath: process.execPath,
        nodeArgs: ['--disable-warning=ExperimentalWarning'],
        entryPath: join(root, 'out', 'nexus.mjs'),
        env: { NEXUS_ROOT: root },
        folder: locateStateFolder(
          { NEXUS_HOME: nexus.home, NEXUS_RUNTIME: process.env['NEXUS_RUNTIME'] },
          process.platform,
          nexus.home,
        ),
      },
      { launchd, label, homeDir: nexus.home, serversLive: async () => true },
    )
  const pids = ({ services }: Snapshot) => [services.llamaServer.pid, services.proxy.pid]
  const expectServing = async () => {
    expect((await fetch(`http://127.0.0.1:${nexus.enginePort}/health`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${nexus.routerPort}/health/liveliness`)).status).toBe(200)
  }
  const expectAdopted = async () => {
    const after = await nexus.until(isReady, settleMs)
    expect(after.owner.pid).not.toBe(before.owner.pid)
    expect(pids(after)).toEqual(pids(before))
    expect(after.services.llamaServer.adopted).toBe(true)
    before = after
  }

  beforeAll(async () => {
    mac = createTestMac({ executables: false })
    launchd = createLaunchd({ run: mac.run, uid: 501 })
    nexus = await createNexus()
  })
  afterAll(async () => {
    await nexus?.dispose()
    mac?.remove()
  })

  it('is found by nexus up, which starts the servers through it', async () => {
    await startCore()
    const { code, stderr } = await nexus.run('up', '--profile', nexus.profilePath)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    before = await nexus.readSnapshot()
    const search = await launchd.find(label)
    expect(search).toMatchObject({ places: [{ domain: 'gui/501', job: { pid: before.owner.pid } }] })
  })

  it('is killed, and its servers go on until the next one adopts them', async () => {
    process.kill(before.owner.pid, 'SIGKILL')
    await expect.poll(async () => (await launchd.read('gui/501', label)).kind).toBe('loaded')
    await expectServing()
    await startCore()
    await expectAdopted()
  })

  it('is replaced by kickstart -k, and its servers go on', async () => {
    expect(await mac.run(['launchctl', 'kickstart', '-k', `gui/501/${label}`])).toMatchObject({ exitCode: 0 })
    await expectServing()
    await startCore()
    await expectAdopted()
  })

  it('ends by itself after nexus down, with a status that the doctor takes for well', async () => {
    expect((await nexus.run('down', '--now', '--eject')).code).toBe(0)
    const reading = await launchd.read('gui/501', label)
    expect(reading).toMatchObject({ job: { pid: null, lastExit: 'exit status 0' } })
    expect(mac.journal().filter((line) => line.includes('bootout'))).toEqual([])
  })
})

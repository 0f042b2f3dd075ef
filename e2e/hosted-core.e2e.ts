// The build of the app that ships, which hosts the core in its own process: its bundle of the main process on the real demo
// stack, in plain Node with a stand-in for Electron, since Electron 45 is not to be had everywhere.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Snapshot } from '../electron/contract.ts'
import { within } from '../electron/core/deadline.ts'
import { buildApp } from '../scripts/app-build.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const root = join(import.meta.dirname, '..')
const stubElectron = pathToFileURL(join(import.meta.dirname, 'stub-electron.ts')).href
const opensMs = 60_000

// The bundle is made for Electron's Node (scripts/app-variants.ts).
describe.skipIf(Number.parseInt(process.versions.node, 10) < 24)('the app that hosts the core', () => {
  let appDir: string
  let nexus: NexusUnderTest
  let app: ChildProcess
  let started: Snapshot
  const opened: ChildProcess[] = []

  /** Settles once its icon says that. */
  const open = async (icon: RegExp): Promise<void> => {
    app = fork(join(appDir, 'main.cjs'), ['--hidden'], {
      execArgv: ['--import', stubElectron],
      env: { ...process.env, NEXUS_HOME: nexus.home },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    opened.push(app)
    let said = 'nothing'
    const shown = new Promise<true>((resolve, reject) => {
      app.once('exit', (code, signal) => reject(new Error(`the app ended with ${code ?? signal}`)))
      app.on('message', (text) => {
        said = String(text)
        if (icon.test(said)) resolve(true)
      })
    })
    if ((await within(shown, opensMs)) === null) throw new Error(`it did not come to that: ${said}`)
  }
  const end = async (signal: NodeJS.Signals): Promise<unknown> => {
    const ended = once(app, 'exit')
    app.kill(signal)
    return await ended
  }
  const readStatus = async (): Promise<unknown> => {
    const { code, stdout } = await nexus.run('status', '--json')
    return { code, said: JSON.parse(stdout) }
  }
  const serverPids = ({ services: { llamaServer, proxy } }: Snapshot) => [llamaServer.pid, proxy.pid]

  beforeAll(async () => {
    appDir = await buildApp(root, 'shipped')
    nexus = await createNexus()
  })
  afterAll(async () => {
    for (const each of opened) if (each.exitCode === null && each.signalCode === null) each.kill('SIGKILL')
    await nexus?.dispose()
  })

  it('is its core for the command line, and shows what that says', async () => {
    await open(/^Opta Nexus: stopped/)
    const { owner, overall } = await nexus.readSnapshot()
    expect(owner).toMatchObject({ host: 'app', pid: app.pid, background: false })
    expect(overall).toBe('stopped')
  })

  it('starts the stack for nexus up, to which it proves an answer', async () => {
    const { code, stdout, stderr } = await nexus.run('up', '--profile', nexus.profilePath)
    expect(stderr + stdout).toContain('A Claude request went through the Router to the model and came')
    expect(code).toBe(0)
    started = await nexus.readSnapshot()
    expect(started.overall).toBe('ready')
    expect(started.owner).toMatchObject({ host: 'app', pid: app.pid })
    expect(started.services.llamaServer.adopted).toBe(false)
  })

  it('leaves the servers running when it is killed', async () => {
    expect(await end('SIGKILL')).toEqual([null, 'SIGKILL'])
    const [llamaServer, proxy] = serverPids(started)
    expect(await readStatus()).toMatchObject({
      code: 3,
      said: {
        running: false,
        orphans: expect.arrayContaining([
          { service: 'llamaServer', pid: llamaServer },
          { service: 'proxy', pid: proxy },
        ]),
      },
    })
    expect((await fetch(`http://127.0.0.1:${nexus.enginePort}/health`)).status).toBe(200)
  })

  it('takes them over when it is opened again', async () => {
    await open(/^Opta Nexus: ready/)
    const { owner, services, proof } = await nexus.readSnapshot()
    expect(owner).toMatchObject({ host: 'app', pid: app.pid })
    const [llamaServer, proxy] = serverPids(started)
    expect(services.llamaServer).toMatchObject({ pid: llamaServer, adopted: true, phase: 'ready' })
    expect(services.proxy).toMatchObject({ pid: proxy, adopted: true, phase: 'ready' })
    expect(proof?.provedAt).toBe(started.proof?.provedAt)
  })

  it('stops everything for nexus down, and leaves nothing behind when it is told to end', async () => {
    expect((await nexus.run('down', '--now', '--eject')).code).toBe(0)
    const { services } = await nexus.readSnapshot()
    expect(Object.values(services).map(({ phase }) => phase)).toEqual(['stopped', 'stopped', 'stopped'])
    expect(await end('SIGTERM')).toEqual([0, null])
    expect(await readStatus()).toMatchObject({ code: 3, said: { orphans: [] } })
  })
})

// Hosting with a real lock and a real socket: one host at a time, and everything free again after its end.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { locateStateFolder } from '../config/state-folder.ts'
import { attachToCore } from '../control/client.ts'
import { createPlatform } from '../platform/detect-platform.ts'
import type { CoreOptions } from './core.ts'
import { hostCore } from './host-core.ts'

let home: string
let options: CoreOptions

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-host-'))
  const folder = locateStateFolder({ NEXUS_HOME: home }, process.platform, home)
  options = {
    folder,
    platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }),
    background: false,
    resourcesDir: join(import.meta.dirname, '..', '..', '..', 'resources'),
    env: {},
  }
})

afterEach(() => rmSync(home, { recursive: true, force: true }))

it('answers on its socket, is the only one, and leaves the place to the next', async () => {
  const first = await hostCore(options)
  expect(await hostCore(options)).toBeNull()
  const client = await attachToCore(options.folder.socketPath)
  expect((await client?.readSnapshot())?.owner).toMatchObject({ pid: process.pid })
  await Promise.all([first?.close(), first?.close()])
  await client?.closed
  expect(await attachToCore(options.folder.socketPath)).toBeNull()
  const second = await hostCore(options)
  expect(second).not.toBeNull()
  await second?.close()
})

it('lets go of the lock when its socket cannot be opened', async () => {
  const { socketPath } = options.folder
  mkdirSync(join(socketPath, 'not-empty'), { recursive: true })
  await expect(hostCore(options)).rejects.toThrow(dirname(socketPath))
  rmSync(socketPath, { recursive: true })
  const next = await hostCore(options)
  expect(next).not.toBeNull()
  await next?.close()
})

it('lets go of everything when what comes after its socket fails', async () => {
  const broken: CoreOptions = {
    ...options,
    folder: {
      ...options.folder,
      get sharedDir(): string | null {
        throw new Error('no place for guests')
      },
    },
  }
  await expect(hostCore(broken)).rejects.toThrow('no place for guests')
  expect(await attachToCore(options.folder.socketPath)).toBeNull()
  const next = await hostCore(options)
  expect(next).not.toBeNull()
  await next?.close()
})

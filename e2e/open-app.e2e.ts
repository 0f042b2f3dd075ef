// `nexus app` from a clone: what it opens, and what it prints when it can't.
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilNoCore } from './core-end.ts'
import { type Desktop, openDesktop } from './desktop.ts'
import { createNexus, type NexusUnderTest } from './nexus-command.ts'

const electronPath = process.env['NEXUS_TEST_ELECTRON']

let nexus: NexusUnderTest
let desktop: Desktop | null = null
beforeAll(async () => {
  nexus = await createNexus()
})
afterAll(async () => {
  await nexus?.dispose()
  await desktop?.close()
})

/** Chromium's lock in the app's data folder is a link to its host's name and its pid; null when no app runs. */
const readAppPid = (): number | null => {
  try {
    const pid = /-(\d+)$/.exec(readlinkSync(join(nexus.home, 'app', 'SingletonLock')))?.[1]
    return pid === undefined ? null : Number(pid)
  } catch {
    return null
  }
}

describe.skipIf(process.platform !== 'linux')('nexus app without a desktop', () => {
  it('says so and what works without it, and starts nothing', async () => {
    const { code, stderr } = await nexus.runWith({ DISPLAY: '', WAYLAND_DISPLAY: '' }, 'app')
    expect(code).toBe(1)
    expect(stderr).toMatch(/cannot open here: there is no desktop .*nexus up .*nexus status --watch/)
    expect((await nexus.run('status')).code).toBe(3)
  })
})

describe.skipIf(electronPath === undefined)('nexus app on a desktop', () => {
  beforeAll(async () => {
    desktop = await openDesktop()
  })
  const open = (electron: string | undefined) =>
    nexus.runWith({ ...desktop?.env, NEXUS_ELECTRON: electron ?? '' }, 'app')

  it('names what NEXUS_ELECTRON is when that is no Electron', async () => {
    const { code, stderr } = await open('/bin/true')
    expect(code).toBe(1)
    expect(stderr).toContain('NEXUS_ELECTRON is "/bin/true", which does not run as Electron')
  })

  it('opens the app and leaves it running; a second call finds it open', async () => {
    const first = await open(electronPath)
    expect(first.stdout).toBe('Opta Nexus is open.\n')
    expect(first.code).toBe(0)
    const pid = readAppPid()
    if (pid === null) throw new Error('no app has the lock')
    try {
      expect((await open(electronPath)).stdout).toBe('Opta Nexus was open already.\n')
      expect(readAppPid()).toBe(pid)
      await expect.poll(async () => (await nexus.run('status')).code, { timeout: 20_000 }).toBe(0)
      expect((await nexus.readSnapshot()).overall).toBe('stopped')
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    await expect.poll(readAppPid, { timeout: 20_000 }).toBeNull()
    await untilNoCore(nexus.home)
  })
})

// Looking for a core creates and changes nothing.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { locateStateFolder } from '../core/config/state-folder.ts'
import { createPlatform } from '../core/platform/detect-platform.ts'
import { attachToRunning, readOrphans } from './attach.ts'

const readerOf = (root: string) => {
  const folder = locateStateFolder({ NEXUS_HOME: root }, process.platform, homedir())
  return { folder, platform: createPlatform({ ramDiskRoot: folder.ramDiskRoot }) }
}

it('creates no state folder and changes no mode', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-attach-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const missing = readerOf(join(dir, 'missing'))
  await expect(attachToRunning(missing)).resolves.toBeNull()
  await expect(readOrphans(missing)).resolves.toEqual([])
  expect(existsSync(missing.folder.root)).toBe(false)
  const open = readerOf(join(dir, 'open'))
  mkdirSync(open.folder.root)
  chmodSync(open.folder.root, 0o755)
  await expect(attachToRunning(open)).resolves.toBeNull()
  expect(statSync(open.folder.root).mode & 0o777).toBe(0o755)
})

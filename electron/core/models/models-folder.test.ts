import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ensureModelsFolder, judgeRoom, readRoom } from './models-folder.ts'

const gib = 1024 ** 3
const dir = '/Users/Shared/Models'

it.each([
  [75 * gib, 77 * gib, null],
  [
    75 * gib,
    77 * gib - 1,
    'the download needs 75.00 GiB, but /Users/Shared/Models has 77.00 GiB free, of which 2.00 GiB must stay free: free 1 MiB more and fetch again',
  ],
  [
    75 * gib,
    30 * gib,
    'the download needs 75.00 GiB, but /Users/Shared/Models has 30.00 GiB free, of which 2.00 GiB must stay free: free 47.00 GiB more and fetch again',
  ],
])('%d bytes beside %d free ones', (needed, freeBytes, reason) =>
  expect(judgeRoom({ dir, freeBytes, isMemory: false }, needed)).toBe(reason),
)

it('recognises the Build Forge by its mount point, and memory by its file system', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-room-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const models = join(folder, 'Models')
  ensureModelsFolder(models, process.platform)
  expect(statSync(models).isDirectory()).toBe(true)
  expect(readRoom(models, folder)).toMatchObject({ isMemory: true })
  expect(readRoom(models, `${folder}/Mod`).isMemory).toBe(readRoom(models, null).isMemory)
  if (process.platform === 'linux') expect(readRoom('/dev/shm', null).isMemory).toBe(true)
})

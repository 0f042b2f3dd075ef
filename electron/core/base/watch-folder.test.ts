// A folder is followed also where the kernel gives no watch, or takes one back.
import { type FSWatcher, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchFolder } from './watch-folder.ts'

let folder: string
let stop = () => {}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-folder-'))
})
afterEach(() => {
  stop()
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

it('names what changed', async () => {
  const name = await new Promise<string | null>((resolve) => {
    stop = watchFolder(folder, resolve)
    writeFileSync(join(folder, 'config.json'), '{}')
  })
  expect(name).toBe('config.json')
})

const refusals: readonly (readonly [string, (given: FSWatcher) => FSWatcher])[] = [
  [
    'at once',
    (given) => {
      given.close()
      throw new Error('ENOSPC')
    },
  ],
  [
    'later',
    (given) => {
      setTimeout(() => given.emit('error', new Error('EMFILE')), 10)
      return given
    },
  ],
]

it.each(refusals)(
  'looks once a second when the watch is refused %s, until it is stopped',
  async (_, refuse) => {
    vi.useFakeTimers()
    const seen: (string | null)[] = []
    stop = watchFolder(
      folder,
      (name) => seen.push(name),
      (dir, listener) => refuse(watch(dir, listener)),
    )
    await vi.advanceTimersByTimeAsync(3_100)
    expect(seen).toEqual([null, null, null])
    stop()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(seen).toHaveLength(3)
  },
)

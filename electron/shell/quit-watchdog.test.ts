// The watchdog on real processes: an app that hangs at quit, and one that does not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const modulePath = join(import.meta.dirname, 'quit-watchdog.ts')

/** Starts the watchdog, and then does that with its only thread. */
const quitting = (then: string) =>
  spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { watchQuit } from ${JSON.stringify(modulePath)}; watchQuit(process.execPath, 300); ${then}`,
    ],
    { stdio: 'ignore' },
  )

/** Pids of the watchdogs of that app, as everybody reads them. */
const listWatchdogs = (app: number): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words[1] === '-e' && words[3] === String(app)
    } catch {
      // It is no process, or has ended since.
      return false
    }
  })

it('ends an app whose process hangs', async () => {
  const app = quitting('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
  expect(await once(app, 'exit')).toEqual([null, 'SIGKILL'])
})

// Found through /proc.
it.skipIf(process.platform !== 'linux')('leaves one alone that ends in time, and ends itself', async () => {
  const app = quitting('process.exit(7)')
  expect(await once(app, 'exit')).toEqual([7, null])
  // Its watchdog may not even have begun.
  await expect.poll(() => listWatchdogs(app.pid ?? 0), { timeout: 5_000 }).toEqual([])
})

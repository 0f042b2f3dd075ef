// The watchdog on real processes: an app that hangs at quit, and one that does not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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

it('ends an app whose process hangs', async () => {
  const app = quitting('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
  expect(await once(app, 'exit')).toEqual([null, 'SIGKILL'])
})

it('leaves one alone that ends in time', async () => {
  const app = quitting('process.exit(7)')
  expect(await once(app, 'exit')).toEqual([7, null])
})

// Harmless processes for probes to find, hold and end: each is a `sleep` that ends by itself.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { type ProcessTable, runsArgv } from '../platform/platform.ts'
import type { ProbeTools } from './probe.ts'

/** Longer than the run, and short enough to be gone soon after this process is killed. */
export const sleepSeconds = 180

/** Starts a process that holds `path` open. Settles with its pid once the file is open. */
export const startHolder = async (
  path: string,
  tools: Pick<ProbeTools, 'defer' | 'signal'>,
): Promise<number> => {
  const child = spawn(
    '/bin/sh',
    ['-c', 'exec 3<"$1" && echo open && exec sleep "$2"', 'sh', path, String(sleepSeconds)],
    { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  tools.defer({
    what: `the process ${child.pid ?? ''} that holds ${path} open`,
    command: `kill ${child.pid ?? ''}`,
    undo: async () => {
      child.kill('SIGKILL')
      await closed
    },
  })
  const { pid } = child
  if (pid === undefined) throw new Error('/bin/sh could not be started')
  for await (const _ of createInterface({ input: child.stdout, signal: tools.signal })) return pid
  throw new Error(`${path} could not be opened`)
}

/** Spawns like the core's servers (child-process.ts): detached, without inherited pipes. */
export const starterScript = `
const child = require('node:child_process').spawn('/bin/sleep', [process.argv[1]], { detached: true, stdio: 'ignore', cwd: '/' })
child.unref()
process.stdout.write(child.pid + '\\n')
if (process.argv[2] !== 'exit') setInterval(() => {}, 1000)
`

const lookMs = 10

/** Kills only pids that still are such a `sleep`, because pids are reused. Settles when they are gone. */
export const endSleepers = async (pids: readonly number[], processes: ProcessTable): Promise<void> => {
  for (const pid of pids) {
    const isSleeper = async () => {
      const argv = await processes.readArgv(pid)
      return argv !== null && runsArgv(argv, ['/bin/sleep', String(sleepSeconds)])
    }
    if (!(await isSleeper())) continue
    process.kill(pid, 'SIGKILL')
    while (await isSleeper()) await pause(lookMs)
  }
}

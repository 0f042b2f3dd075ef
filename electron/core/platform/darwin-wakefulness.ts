// Keeps a Mac awake while a server of ours lives. Exercised only with a pretended caffeinate so far.
import { spawn } from 'node:child_process'
import { type RunCommand, systemPath } from './run-command.ts'

/** Starts one command that outlives this process, and does not wait for it. */
export type StartDetached = (argv: readonly [string, ...string[]]) => void

export const createDetachedStarter =
  (searchPath: string = systemPath): StartDetached =>
  ([file, ...args]) => {
    const child = spawn(file, args, {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
      env: { PATH: searchPath, LC_ALL: 'C' },
    })
    // A Mac that may sleep still serves while it is awake: no reason to fail.
    child.once('error', () => {})
    child.unref()
  }

/**
 * caffeinate(8): -s keeps the system awake on mains power, -w until that process has ended. So it needs no undo, and it
 * holds on when the core that asked for it is gone, as the server does; the next core finds it and starts no second one.
 */
export const keepDarwinAwakeWhile = async (
  run: RunCommand,
  start: StartDetached,
  pid: number,
): Promise<void> => {
  const argv = ['caffeinate', '-s', '-w', String(pid)] as const
  const result = await run(['ps', '-axww', '-o', 'command='])
  const lines = result.kind === 'exited' ? result.stdout.split('\n') : []
  if (!lines.some((line) => line.trim().endsWith(argv.join(' ')))) start(argv)
}

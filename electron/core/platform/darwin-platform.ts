// The platform interface on macOS. It has never run on a Mac: its tests use recorded output.

import { spawn } from 'node:child_process'
import { readDarwinGpuUse } from './darwin-gpu.ts'
import { createDarwinMemoryReader, readDarwinTotalBytes } from './darwin-memory.ts'
import { createDarwinProcessTable } from './darwin-processes.ts'
import { createDarwinRamDisk, type DarwinRamDiskOptions } from './darwin-ram-disk.ts'
import { readDarwinLanAddresses } from './lan-addresses.ts'
import type { Platform } from './platform.ts'
import { createCommandRunner, type RunCommand, systemPath } from './run-command.ts'

export interface DarwinPlatformOptions extends Partial<DarwinRamDiskOptions> {
  readonly startDetached?: StartDetached
}

export const createDarwinPlatform = (options: DarwinPlatformOptions = {}): Platform => {
  const run = options.run ?? createCommandRunner()
  const startDetached = options.startDetached ?? createDetachedStarter()
  return {
    id: 'darwin',
    processes: createDarwinProcessTable(run),
    ramDisk: createDarwinRamDisk({ ...options, run }),
    createMemoryReader: () => createDarwinMemoryReader(run),
    readGpuUse: () => readDarwinGpuUse(run),
    readTotalMemoryBytes: () => readDarwinTotalBytes(run),
    readLanAddresses: () => readDarwinLanAddresses(run),
    keepAwakeWhile: (pid) => keepDarwinAwakeWhile(run, startDetached, pid),
  }
}

/** Starts a command that outlives this process, without waiting for it. */
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
    // Don't fail: a Mac that may sleep still serves while it is awake.
    child.once('error', () => {})
    child.unref()
  }

/**
 * caffeinate(8): -s keeps the system awake on mains power, -w until that process has ended. So it needs no undo, and like the
 * server it outlives the core that started it; the next core finds it and starts no second one.
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

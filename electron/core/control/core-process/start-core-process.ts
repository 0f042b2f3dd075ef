// Starts `nexus serve` in a process that outlives its starter: on a Mac a job of launchd, on Linux a detached process of this user.
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { ensureStateFolder, locateStateFolder } from '../../config/state-folder.ts'
import { openLogForChild } from '../../logs/log-file.ts'
import { readLogSince } from '../../logs/log-follow.ts'
import { readLogMark } from '../../logs/log-generations.ts'
import { createLaunchd } from '../../platform/launchd/launchd.ts'
import type { Platform } from '../../platform/platform.ts'
import { createCommandRunner, systemPath } from '../../platform/run-command.ts'
import { readLiveServices } from '../../stack/live-services.ts'
import { isLockHeld } from '../core-lock.ts'
import { coreLabel } from './core-job.ts'
import { type CoreProgram, coreArgv, coreVariables } from './core-program.ts'
import { withHomebrew } from './stable-node.ts'
import { startCoreByLaunchd } from './start-by-launchd.ts'

/** Names the file descriptor on which a background core reports that it listens, so that its starter needn't poll. */
export const readyVariable = 'NEXUS_CORE_READY_FD'
const readyFd = 3

type StartOutcome = { readonly kind: 'ready' } | { readonly kind: 'ended'; readonly how: string }

/**
 * Settles when the core's socket listens, or when another core has the lock. If the core ended instead, throws with its
 * last log line.
 */
export const startDetachedCore = async (program: CoreProgram): Promise<void> => {
  const { folder } = program
  ensureStateFolder(folder)
  const logPath = folder.logPath('core')
  const fd = openLogForChild(logPath)
  // An earlier core's last line doesn't explain this one's exit.
  const mark = readLogMark(logPath)
  const [file, ...args] = coreArgv(program)
  const child = spawn(file, args, {
    detached: true,
    stdio: ['ignore', fd, fd, 'pipe'],
    env: {
      ...program.env,
      ...coreVariables(program),
      [readyVariable]: String(readyFd),
      PATH: withHomebrew(program.env['PATH'] ?? systemPath),
    },
    cwd: '/',
  })
  closeSync(fd)
  const ready = child.stdio[readyFd]
  const outcome = await new Promise<StartOutcome>((resolve) => {
    ready?.once('data', () => resolve({ kind: 'ready' }))
    child.once('exit', (code, signal) =>
      resolve({ kind: 'ended', how: signal === null ? `exit code ${code}` : `ended by ${signal}` }),
    )
    child.once('error', ({ message }) => resolve({ kind: 'ended', how: message }))
  })
  ready?.destroy()
  child.unref()
  // Another starter may have won: only the lock proves that its owner is alive.
  if (outcome.kind === 'ended' && !isLockHeld(folder.lockPath)) {
    const last = (await readLogSince(logPath, mark, 1))[0] ?? `${outcome.how}, and it said nothing`
    throw new Error(`the core ended at once: ${last} (its log is ${logPath})`)
  }
}

/** Settles when a core listens or is about to. Two at once are harmless: the lock lets one win. */
export const startCoreProcess = async (
  program: CoreProgram,
  platform: Pick<Platform, 'id' | 'processes'>,
): Promise<void> => {
  if (platform.id !== 'darwin') return startDetachedCore(program)
  const homeDir = homedir()
  const { folder } = program
  return startCoreByLaunchd(program, {
    launchd: createLaunchd({ run: createCommandRunner(), uid: userInfo().uid }),
    label: coreLabel(folder.root, locateStateFolder({}, 'darwin', homeDir).root),
    homeDir,
    serversLive: async () => (await readLiveServices(folder, platform.processes)).length > 0,
  })
}

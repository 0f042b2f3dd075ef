// Hosting a core from the command line: in the foreground (`nexus serve`) or left behind by `nexus up`.

import { spawn } from 'node:child_process'
import { closeSync, createWriteStream } from 'node:fs'
import { attachToCore } from '../core/control/client.ts'
import { isLockHeld, readLockOwner } from '../core/core-lock.ts'
import { messageOf } from '../core/error-message.ts'
import { type HostedCore, hostCore } from '../core/host-core.ts'
import { openLogForChild } from '../core/logs/log-file.ts'
import { readLogMark } from '../core/logs/log-generations.ts'
import { readLogSince } from '../core/logs/log-tail-events.ts'
import { ensureStateFolder } from '../core/state-folder.ts'
import { type CliContext, exitCodes } from './context.ts'

/** File descriptor on which a background core says that it listens, so that nobody has to ask again and again. */
const readyFd = 3

/**
 * Hosts the core until SIGTERM or SIGINT, which leave the services running, as quitting the app does. In the
 * background it also ends once everything was stopped by a command: then nothing of ours is left.
 */
export const serveCore = async (
  context: CliContext,
  { background, wait }: { readonly background: boolean; readonly wait: boolean },
): Promise<number> => {
  const { folder } = context
  try {
    const hosted = await host(context, { background, wait })
    if (hosted === null) {
      const owner = readLockOwner(folder.lockPath)
      const who =
        owner === null
          ? ''
          : ` (pid ${owner.pid}, hosted by the ${owner.host === 'app' ? 'app' : 'command line'})`
      context.printError(`another core runs already${who}; nexus status shows it`)
      return exitCodes.failed
    }
    if (background) tellReady()
    else
      context.print(
        `The core listens on ${folder.socketPath}. Ctrl-C ends it and leaves the services running.`,
      )
    const ended = [untilSignal()]
    if (background) ended.push(hosted.core.stoppedByCommand)
    await Promise.race(ended)
    await hosted.close()
    return exitCodes.done
  } catch (error) {
    // Half a core has timers and watchers that would keep the process, and with it the lock, for ever.
    context.printError(messageOf(error))
    process.exit(exitCodes.failed)
  }
}

/** A service manager's core stands by while another one runs, the app's for instance, and comes after it at once. */
const host = async (
  context: CliContext,
  { background, wait }: { readonly background: boolean; readonly wait: boolean },
): Promise<HostedCore | null> => {
  for (;;) {
    const hosted = await hostCore({ ...context, host: 'cli', background })
    if (hosted !== null || !wait) return hosted
    // Told by the end of its connection; a core that does not listen yet, or not any more, is asked again.
    const client = await attachToCore(context.folder.socketPath).catch(() => null)
    await client?.closed
    await new Promise((resolve) => setTimeout(resolve, betweenLockAttemptsMs))
  }
}

const betweenLockAttemptsMs = 500

const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })

const tellReady = (): void => {
  createWriteStream('', { fd: readyFd }).end('ready\n')
}

type StartOutcome = { readonly kind: 'ready' } | { readonly kind: 'ended'; readonly how: string }

/**
 * The core lives for weeks beside models that want every byte, and makes little garbage: with a small young generation
 * and one malloc arena it stays about 26 MB smaller (measured with Node 24 on Linux; mallopt(3)).
 */
const smallHeap = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

/**
 * Starts `nexus serve --background` detached and settles when its socket listens. Throws with the last line the core
 * logged when it ended instead. Two at once are harmless: the lock lets one win, and both callers attach to it.
 */
export const spawnBackgroundCore = async (context: CliContext): Promise<void> => {
  ensureStateFolder(context.folder)
  const logPath = context.folder.logPath('core')
  const fd = openLogForChild(logPath)
  // An earlier core's last line is not the cause of this one's end.
  const mark = readLogMark(logPath)
  const args = [...process.execArgv, '--max-semi-space-size=1', context.entryPath, 'serve', '--background']
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', fd, fd, 'pipe'],
    // The folder of this very context, which need not be the one that the environment names.
    env: {
      ...process.env,
      ...smallHeap,
      NEXUS_HOME: context.folder.root,
      NEXUS_RUNTIME: context.folder.runtimeDir,
      NEXUS_SHARED: context.folder.sharedDir ?? '',
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
  // Another starter may have won: nothing but the lock proves that its owner lives.
  if (outcome.kind === 'ended' && !isLockHeld(context.folder.lockPath)) {
    const last = (await readLogSince(logPath, mark, 1))[0] ?? `${outcome.how}, and it said nothing`
    throw new Error(`the core ended at once: ${last} (its log is ${logPath})`)
  }
}

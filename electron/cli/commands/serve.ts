// `nexus serve`: hosts the core in this process, in the foreground, or in the background for `nexus up` and the app.
import { createWriteStream } from 'node:fs'
import { userInfo } from 'node:os'
import { messageOf } from '../../core/base/error-message.ts'
import { attachToCore } from '../../core/control/client.ts'
import { readLockOwner } from '../../core/control/core-lock.ts'
import { readyVariable } from '../../core/control/core-process/start-core-process.ts'
import { type HostedCore, hostCore } from '../../core/host/host-core.ts'
import { createLaunchd } from '../../core/platform/launchd/launchd.ts'
import { createCommandRunner } from '../../core/platform/run-command.ts'
import { createLaunchdSessions, type LoginSessions } from '../../core/supervise/login-session.ts'
import { type CliContext, exitCodes } from '../context.ts'

/**
 * Hosts the core until SIGTERM or SIGINT, which leave the services running, as quitting the app does. In the
 * background it also ends once a command has stopped everything, so that nothing of ours is left.
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
      const who = owner === null ? '' : ` (pid ${owner.pid})`
      context.printError(`a core already runs${who}; nexus status shows it`)
      return exitCodes.failed
    }
    if (background) tellReady(context.env[readyVariable])
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
    // The timers and watchers of a half-started core would keep the process, and so the lock, forever.
    context.printError(messageOf(error))
    process.exit(exitCodes.failed)
  }
}

/** A service manager's core stands by while another one runs, such as the app's, and takes over when that ends. */
const host = async (
  context: CliContext,
  { background, wait }: { readonly background: boolean; readonly wait: boolean },
): Promise<HostedCore | null> => {
  for (;;) {
    const hosted = await hostCore({ ...context, ...sessionsOf(context), background })
    if (hosted !== null || !wait) return hosted
    // The connection closes when that core ends; retry if it doesn't listen yet, or any more.
    const client = await attachToCore(context.folder.socketPath).catch(() => null)
    await client?.closed
    await new Promise((resolve) => setTimeout(resolve, betweenLockAttemptsMs))
  }
}

/** launchd names the job of a process in XPC_SERVICE_NAME; in a terminal it is 0 or the terminal's own. */
const sessionsOf = ({ platform, env }: CliContext): { readonly sessions?: LoginSessions } => {
  if (platform.id !== 'darwin') return {}
  const { uid } = userInfo()
  const launchd = createLaunchd({ run: createCommandRunner(), uid })
  return {
    sessions: createLaunchdSessions({
      launchd,
      uid,
      pid: process.pid,
      jobLabel: env['XPC_SERVICE_NAME'] || null,
    }),
  }
}

const betweenLockAttemptsMs = 500

const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })

/** Only if a starter listens: in a launchd job, that file descriptor belongs to Node. */
const tellReady = (fd: string | undefined): void => {
  if (fd !== undefined && fd !== '') createWriteStream('', { fd: Number(fd) }).end('ready\n')
}

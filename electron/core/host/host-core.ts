// Hosts the core in this process, for `nexus serve`: lock, core, control sockets, and closing them.

import { messageOf } from '../base/error-message.ts'
import { followConfig } from '../config/follow-config.ts'
import { ensureStateFolder } from '../config/state-folder.ts'
import { acquireCoreLock } from '../control/core-lock.ts'
import { guestLink } from '../control/guests/guest-link.ts'
import { createGuestSocket } from '../control/guests/guest-socket.ts'
import { keepSocket } from '../control/keep-socket.ts'
import { openControlServer } from '../control/server.ts'
import { logToStderr } from '../logs/core-log.ts'
import { createMetricsServer } from '../metrics/metrics-server.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import { readOwnUserName } from '../platform/user-name.ts'
import { endServersOfEndedSessions, type LoginSessions } from '../supervise/login-session.ts'
import { type Core, type CoreOptions, createCore } from './core.ts'

export type HostedCore = NonNullable<Awaited<ReturnType<typeof hostCore>>>

export interface HostOptions extends Omit<CoreOptions, 'session'> {
  /** Absent where servers cannot outlive their session. */
  readonly sessions?: LoginSessions
}

/** null when another running process hosts one. Throws when the core cannot be created; the lock is then free again. */
export const hostCore = async (options: HostOptions) => {
  const { folder, platform, sessions, logError = logToStderr } = options
  ensureStateFolder(folder)
  const lock = acquireCoreLock(folder.lockPath, { pid: process.pid, since: Date.now() }, logError)
  if (lock === null) return null
  /** Closers of what has been started, in closing order. */
  const undo: (() => void | Promise<void>)[] = []
  const close = async () => {
    await Promise.all(undo.map((end) => end()))
    // Last: the next holder of the lock replaces the socket and mounts what is not mounted.
    lock.release()
  }
  let core: Core
  try {
    if (sessions !== undefined)
      await endServersOfEndedSessions(folder.ledgerPath, platform.processes, sessions, logError)
    core = await createCore({ ...options, session: (await sessions?.readOwn()) ?? null })
    undo.unshift(core.close)
    const server = await openControlServer(folder.socketPath, core)
    undo.push(server.close)
    undo.unshift(
      keepSocket({
        path: folder.socketPath,
        restore: async () => {
          if (server.isThere()) return
          ensureStateFolder(folder)
          await server.restore()
          logError(new Error(`${folder.socketPath} was gone: the core listens on it again`))
        },
        onError: (error) => logError(new Error(`the control socket is gone: ${messageOf(error)}`)),
      }),
    )
    const metrics = createMetricsServer({
      readSnapshot: core.readSnapshot,
      onError: (reason) => logError(new Error(reason)),
    })
    undo.unshift(metrics.close)
    const guestSocket = createGuestSocket({
      sharedDir: folder.sharedDir,
      link: guestLink({ ...core, ask: core.askForGuest }, readOwnUserName()),
      platform: platform.id,
      run: options.run ?? createCommandRunner(),
      onError: (reason) => logError(new Error(reason)),
    })
    undo.push(guestSocket.close)
    const forgetConfig = followConfig(folder, ({ metricsPort, guests }) => {
      metrics.use(metricsPort ?? null)
      guestSocket.use(guests ?? null)
    })
    undo.unshift(forgetConfig)
    // A client that learns that this core listens may point another user to it at once.
    await guestSocket.settled()
  } catch (error) {
    await close()
    throw error
  }
  let closing: Promise<void> | null = null
  return {
    core,
    /** Closes socket and core and releases the lock; services keep running. Idempotent. */
    close: (): Promise<void> => {
      closing ??= close()
      return closing
    },
  }
}

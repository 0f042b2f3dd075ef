// The control socket: everyone who attaches gets the same snapshots and gives the same commands.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { type SessionLimits, serveClient } from './client-session.ts'
import type { CoreLink } from './core-link.ts'

export interface ControlServer {
  close(): Promise<void>
}

/**
 * Listens on `socketPath` with mode 0600. The caller holds the core lock, so a socket file found there is left over
 * from a core that was killed, and is replaced. `mostClients` at once; more are hung up on. `limits`: of each session.
 */
export const openControlServer = async (
  socketPath: string,
  core: CoreLink,
  { mostClients = null, limits }: { readonly mostClients?: number | null; readonly limits?: SessionLimits } = {},
): Promise<ControlServer> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serveClient(socket, core, limits)
  })
  if (mostClients !== null) server.maxConnections = mostClients
  rmSync(socketPath, { force: true })
  // bind(2) happens inside listen(), so the umask makes the file private from its first instant.
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socketPath, resolve)
    })
  } finally {
    process.umask(umask)
  }
  chmodSync(socketPath, 0o600)
  return {
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Its clients are not waited for.
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

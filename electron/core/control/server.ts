// The control socket: all clients get the same snapshots and may send the same commands.

import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { type SessionLimits, serveClient } from './client-session.ts'
import type { CoreLink } from './core-link.ts'

export type ControlServer = Awaited<ReturnType<typeof openControlServer>>

/**
 * Listens on `socketPath` with mode 0600. The caller holds the core lock, so an existing socket file is left over from a
 * killed core and is replaced. Closes connections beyond `mostClients`. `limits` apply to each session.
 */
export const openControlServer = async (
  socketPath: string,
  core: CoreLink,
  {
    mostClients = null,
    limits,
  }: { readonly mostClients?: number | null; readonly limits?: SessionLimits } = {},
) => {
  const sockets = new Set<Socket>()
  let isClosed = false

  let resting = 0
  const setMost = (listening: Server) => {
    // Node drops these before creating an object for each: thousands a second made 50 MB of garbage (measured).
    if (mostClients !== null) listening.maxConnections = Math.max(0, mostClients - resting)
  }
  /** Frees a place only a moment after its client left, which limits how many come and go per second. */
  const rest = () => {
    if (mostClients === null) return
    resting += 1
    setMost(server)
    setTimeout(() => {
      resting -= 1
      setMost(server)
    }, restMs).unref()
  }

  const accept = (socket: Socket) => {
    if (isClosed || (mostClients !== null && sockets.size >= mostClients)) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      rest()
    })
    serveClient(socket, core, limits)
  }
  const open = async (): Promise<Server> => {
    const opened = await listen(socketPath, accept)
    setMost(opened)
    return opened
  }
  let server = await open()
  let file = readFileId(socketPath)

  const isThere = () => file !== null && readFileId(socketPath) === file

  return {
    /** Whether the socket file is still the one that this server listens on. */
    isThere,
    /** Listens again if the file is gone or has been replaced. Connected clients stay. */
    restore: async (): Promise<void> => {
      if (isClosed || isThere()) return
      // Before the new one listens: on close, libuv removes the file at the server's path (uv__pipe_close).
      server.close()
      server = await open()
      file = readFileId(socketPath)
      if (isClosed) server.close()
    },
    close: (): Promise<void> => {
      isClosed = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Don't wait for its clients.
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

/** 32 guests that keep reconnecting make 160 connections a second. */
const restMs = 200

const listen = async (socketPath: string, accept: (socket: Socket) => void): Promise<Server> => {
  const server = createServer(accept)
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
  return server
}

/** null: no file, or no permission to look. */
const readFileId = (path: string): string | null => {
  try {
    const { dev, ino } = lstatSync(path)
    return `${dev}:${ino}`
  } catch {
    return null
  }
}

// The control socket: everyone who attaches gets the same snapshots and gives the same commands.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import type { Command, Outcome, Snapshot } from '../../contract.ts'
import { messageOf } from '../error-message.ts'
import { createLineReader } from './line-reader.ts'
import { type ControlResponse, maxLineBytes, parseRequest } from './protocol.ts'

export interface ControlTarget {
  readSnapshot(): Promise<Snapshot>
  /** Calls `listener` with every new snapshot, at about 1 Hz unless `watched` is false; the returned function ends that. */
  subscribe(listener: (snapshot: Snapshot) => void, options?: { readonly watched: boolean }): () => void
  dispatch(command: Command): Promise<Outcome>
}

export interface ControlServer {
  close(): Promise<void>
}

/** A client that does not read is cut off rather than buffered for without end. */
const maxUnreadBytes = 4 * maxLineBytes

/**
 * Listens on `socketPath` with mode 0600. The caller holds the core lock, so a socket file found there is left over
 * from a core that was killed, and is replaced.
 */
export const openControlServer = async (
  socketPath: string,
  target: ControlTarget,
): Promise<ControlServer> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serveClient(socket, target)
  })
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
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

const serveClient = (socket: Socket, target: ControlTarget): void => {
  const reader = createLineReader(maxLineBytes)
  let unsubscribe: (() => void) | null = null
  const send = (response: ControlResponse) => {
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(response)}\n`)
    if (socket.writableLength > maxUnreadBytes) socket.destroy()
  }
  const answer = async (line: string): Promise<void> => {
    const parsed = parseRequest(line)
    if (parsed.kind === 'garbage') return send({ kind: 'error', id: parsed.id, message: parsed.message })
    const { request } = parsed
    try {
      switch (request.method) {
        case 'snapshot':
          return send({ kind: 'snapshot', id: request.id, snapshot: await target.readSnapshot() })
        case 'watch': {
          const earlier = unsubscribe
          unsubscribe = target.subscribe(
            (snapshot) => send({ kind: 'snapshot', id: null, snapshot }),
            request,
          )
          earlier?.()
          if (socket.destroyed) unsubscribe()
          return send({ kind: 'snapshot', id: request.id, snapshot: await target.readSnapshot() })
        }
        case 'dispatch':
          return send({ kind: 'outcome', id: request.id, outcome: await target.dispatch(request.command) })
      }
    } catch (error) {
      send({ kind: 'error', id: request.id, message: messageOf(error) })
    }
  }
  socket.on('data', (piece) => {
    const lines = reader.push(piece)
    if (lines === null) {
      send({ kind: 'error', id: null, message: `a line may be at most ${maxLineBytes} bytes long` })
      socket.destroySoon()
      return
    }
    for (const line of lines) void answer(line)
  })
  // A client that vanishes mid-write is its own affair.
  socket.on('error', () => socket.destroy())
  socket.once('close', () => unsubscribe?.())
}

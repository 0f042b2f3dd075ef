// Attaches to a running core over its control socket.
import { connect, type Socket } from 'node:net'
import type { Command, Outcome, Snapshot } from '../../contract.ts'
import { isErrno } from '../private-file.ts'
import { createLineReader } from './line-reader.ts'
import { type ControlRequest, type ControlResponse, maxLineBytes, ResponseSchema } from './protocol.ts'

export interface ControlClient {
  readSnapshot(): Promise<Snapshot>
  dispatch(command: Command): Promise<Outcome>
  /**
   * Calls `listener` with each snapshot, the present one first, until close() or until the core goes away. Unless
   * `watched` is false the core then reads everything at about 1 Hz; called again, it changes listener and pace.
   */
  watch(listener: (snapshot: Snapshot) => void, options?: { readonly watched: boolean }): Promise<void>
  /** Settles when the connection ended, whoever ended it. */
  readonly closed: Promise<void>
  close(): void
}

/** null when no core listens there: no file, or a file left over from a core that was killed. */
export const attachToCore = async (socketPath: string): Promise<ControlClient | null> => {
  const socket = await open(socketPath)
  return socket === null ? null : createClient(socket)
}

const open = (socketPath: string): Promise<Socket | null> =>
  new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error) => {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ECONNREFUSED')) resolve(null)
      else reject(new Error(`the core's control socket ${socketPath} cannot be opened: ${error.message}`))
    })
  })

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

const createClient = (socket: Socket): ControlClient => {
  const reader = createLineReader(maxLineBytes)
  const pending = new Map<number, { resolve: (r: ControlResponse) => void; reject: (e: Error) => void }>()
  let nextId = 1
  let listener: ((snapshot: Snapshot) => void) | null = null

  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const failAll = (message: string) => {
    for (const { reject } of pending.values()) reject(new Error(message))
    pending.clear()
  }
  socket.on('error', () => socket.destroy())
  socket.once('close', () => failAll('the core went away before it answered'))
  socket.on('data', (piece) => {
    const lines = reader.push(piece)
    if (lines === null) socket.destroy()
    else for (const line of lines) receive(line)
  })

  const receive = (line: string) => {
    const parsed = ResponseSchema.safeParse(JSON.parse(line))
    if (!parsed.success) {
      failAll('the running core is of another version: nexus down, then nexus up')
      socket.destroy()
      return
    }
    const response = parsed.data
    if (response.kind === 'snapshot') listener?.(response.snapshot)
    if (response.id === null) return
    const waiting = pending.get(response.id)
    pending.delete(response.id)
    if (response.kind === 'error') waiting?.reject(new Error(response.message))
    else waiting?.resolve(response)
  }

  const ask = (request: DistributiveOmit<ControlRequest, 'id'>): Promise<ControlResponse> => {
    if (socket.destroyed) return Promise.reject(new Error('the core went away'))
    const id = nextId
    nextId += 1
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      socket.write(`${JSON.stringify({ ...request, id })}\n`)
    })
  }

  return {
    closed,
    close: () => socket.destroy(),
    readSnapshot: async () => {
      const response = await ask({ method: 'snapshot' })
      if (response.kind !== 'snapshot') throw new Error('the core answered something else than a snapshot')
      return response.snapshot
    },
    dispatch: async (command) => {
      const response = await ask({ method: 'dispatch', command })
      if (response.kind !== 'outcome') throw new Error('the core answered something else than an outcome')
      return response.outcome
    },
    watch: async (next, { watched } = { watched: true }) => {
      listener = next
      await ask({ method: 'watch', watched })
    },
  }
}

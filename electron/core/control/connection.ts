// The client's end of the control socket: numbered requests, each answered once, and what is pushed in between.
import type { Socket } from 'node:net'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { createLineReader } from '../base/line-reader.ts'
import { describeOtherVersion } from './other-version.ts'
import { type ControlRequest, type ControlResponse, maxLineBytes, ResponseSchema } from './protocol.ts'

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
export type UnnumberedRequest = DistributiveOmit<ControlRequest, 'id'>
export type ResponseOf<K extends ControlResponse['kind']> = Extract<ControlResponse, { kind: K }>

export interface Connection {
  /**
   * Settles with an answer of that kind. `onAnswer` is called in the order in which lines came, before anything that
   * was pushed after the answer: a promise is told only after all lines of one piece.
   */
  request<K extends ControlResponse['kind']>(
    request: UnnumberedRequest,
    kind: K,
    onAnswer?: (response: ResponseOf<K>) => void,
  ): Promise<ResponseOf<K>>
  /** Settles when the connection ended, whoever ended it. */
  readonly closed: Promise<void>
  close(): void
}

interface Pending {
  readonly answer: (response: ControlResponse) => void
  readonly fail: (error: Error) => void
}

const isOfKind = <K extends ControlResponse['kind']>(
  response: ControlResponse,
  kind: K,
): response is ResponseOf<K> => response.kind === kind

const parseOrUndefined = (line: string): unknown => {
  try {
    return parseBoundedJson(line)
  } catch {
    return undefined
  }
}

/** `onPush` gets what nobody asked for just now. */
export const createConnection = (socket: Socket, onPush: (response: ControlResponse) => void): Connection => {
  const reader = createLineReader(maxLineBytes)
  const pending = new Map<number, Pending>()
  let nextId = 1

  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const failAll = (message: string) => {
    for (const { fail } of pending.values()) fail(new Error(message))
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
    const said = parseOrUndefined(line)
    const parsed = ResponseSchema.safeParse(said)
    if (!parsed.success) {
      failAll(describeOtherVersion(said))
      socket.destroy()
      return
    }
    const response = parsed.data
    if (response.id === null) {
      onPush(response)
      return
    }
    const waiting = pending.get(response.id)
    pending.delete(response.id)
    if (response.kind === 'error') waiting?.fail(new Error(response.message))
    else waiting?.answer(response)
  }

  return {
    closed,
    close: () => socket.destroy(),
    request: (request, kind, onAnswer) => {
      if (socket.destroyed) return Promise.reject(new Error('the core went away'))
      const id = nextId
      nextId += 1
      return new Promise((resolve, reject) => {
        pending.set(id, {
          answer: (response) => {
            if (!isOfKind(response, kind)) {
              reject(new Error(`the core answered ${response.kind} instead of ${kind}`))
              return
            }
            onAnswer?.(response)
            resolve(response)
          },
          fail: reject,
        })
        socket.write(`${JSON.stringify({ ...request, id })}\n`)
      })
    },
  }
}

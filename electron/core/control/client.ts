// Attaches to a running core over its control socket.
import { connect, type Socket } from 'node:net'
import type { Query } from '../../contract/question.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { parseJsonOrNull } from '../base/json-record.ts'
import { createLineReader } from '../base/line-reader.ts'
import { isErrno } from '../base/private-file.ts'
import { type CoreLink, isAnswerTo } from './core-link.ts'
import {
  type ControlRequest,
  type ControlResponse,
  describeOtherVersion,
  maxLineBytes,
  type Push,
  ResponseSchema,
} from './protocol.ts'

export interface ControlClient extends CoreLink {
  /** The owner of the core if it is another user's; null: this user's own. */
  readonly user: string | null
  /** Settles when either side has closed the connection. */
  readonly closed: Promise<void>
  close(): void
}

/**
 * null when no core listens there: no file, or one left over from a killed core. `user`: the socket's owner if it is another
 * user; snapshots then name that user, whatever the core says.
 */
export const attachToCore = async (
  socketPath: string,
  user: string | null = null,
): Promise<ControlClient | null> => {
  const socket = await open(socketPath)
  return socket === null ? null : createClient(socket, user, () => open(socketPath))
}

const open = (socketPath: string): Promise<Socket | null> =>
  new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error) => {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ECONNREFUSED')) resolve(null)
      else reject(new Error(`could not open the core's control socket ${socketPath}: ${error.message}`))
    })
  })

const createClient = (
  socket: Socket,
  user: string | null,
  openAnother: () => Promise<Socket | null>,
): ControlClient => {
  /** Connections that are waiting for an answer. */
  const asking = new Set<Connection>()
  socket.once('close', () => {
    for (const { close } of asking) close()
  })
  /** On its own connection: a core answers requests one at a time, and a doctor's report takes seconds. */
  const askAside = async (query: Query): Promise<unknown> => {
    const aside = socket.destroyed ? null : await openAnother()
    if (aside === null) throw new Error('the core went away')
    const connection = createConnection(aside)
    asking.add(connection)
    try {
      return (await connection.request({ method: 'ask', query }, 'answer')).answer
    } finally {
      asking.delete(connection)
      connection.close()
    }
  }
  const named = (snapshot: Snapshot): Snapshot =>
    user === null ? snapshot : { ...snapshot, owner: { ...snapshot.owner, user } }
  const { request, tell, subscribe, closed, close } = createConnection(socket)

  return {
    user,
    closed,
    close,
    readSnapshot: async () => named((await request({ method: 'snapshot' }, 'snapshot')).snapshot),
    dispatch: async (command) => (await request({ method: 'dispatch', command }, 'outcome')).outcome,
    ask: async (query) => {
      const answer = await askAside(query)
      if (!isAnswerTo(query, answer)) throw new Error(describeOtherVersion())
      return answer
    },
    readSnippet: async ({ developer, snippet }) =>
      (await request({ method: 'snippet', developer, snippet }, 'snippet')).text,
    watch: (listener, { watched } = { watched: true }) => {
      let isWatched = watched
      const { id, begun, end } = subscribe({ method: 'watch', watched }, (push) => {
        if (push.kind === 'watched') listener(named(push.snapshot))
      })
      return {
        begun,
        setWatched: (next) => {
          if (next !== isWatched) tell({ method: 'setWatched', of: id, watched: next })
          isWatched = next
        },
        stop: end,
      }
    },
    watchHistory: (listener) =>
      subscribe({ method: 'watchHistory' }, (push) => {
        if (push.kind === 'history') listener(push.samples)
      }).end,
    followLog: (log, listener) =>
      subscribe({ method: 'followLog', log }, (push) => {
        if (push.kind === 'logLines') listener(push.lines)
      }).end,
    keep: () => subscribe({ method: 'keep' }, () => {}).end,
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type UnnumberedRequest = DistributiveOmit<ControlRequest, 'id'>
type Kind = ControlResponse['kind']
type ResponseOf<K extends Kind> = Extract<ControlResponse, { kind: K }>

interface Pending {
  readonly answer: (response: ControlResponse) => void
  readonly fail: (error: Error) => void
}

const isOfKind = <K extends Kind>(response: ControlResponse, kind: K): response is ResponseOf<K> =>
  response.kind === kind

type Connection = ReturnType<typeof createConnection>

/** The client's end of the socket: numbered requests, each answered once, with the messages of subscriptions in between. */
const createConnection = (socket: Socket) => {
  const reader = createLineReader(maxLineBytes)
  const pending = new Map<number, Pending>()
  /** By the number of the request that began the subscription. */
  const listeners = new Map<number, (push: Push) => void>()
  let nextId = 0

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
    const said = parseJsonOrNull(line)
    const parsed = ResponseSchema.safeParse(said)
    if (!parsed.success) {
      failAll(describeOtherVersion(said))
      socket.destroy()
      return
    }
    const response = parsed.data
    if ('of' in response) {
      listeners.get(response.of)?.(response)
      return
    }
    if (response.id === null) return
    const waiting = pending.get(response.id)
    pending.delete(response.id)
    if (response.kind === 'error') waiting?.fail(new Error(response.message))
    else waiting?.answer(response)
  }

  const nextNumber = () => {
    nextId += 1
    return nextId
  }
  /** Settles with an answer of that kind. */
  const request = <K extends Kind>(
    order: UnnumberedRequest,
    kind: K,
    id = nextNumber(),
  ): Promise<ResponseOf<K>> => {
    if (socket.destroyed) return Promise.reject(new Error('the core went away'))
    return new Promise((resolve, reject) => {
      pending.set(id, {
        answer: (response) => {
          if (isOfKind(response, kind)) resolve(response)
          else reject(new Error(`the core answered ${response.kind} instead of ${kind}`))
        },
        fail: reject,
      })
      socket.write(`${JSON.stringify({ ...order, id })}\n`)
    })
  }
  /** For requests that fail only when the connection has ended, which `closed` reports. */
  const tell = (order: UnnumberedRequest): void => void request(order, 'done').catch(() => {})

  return {
    /** Settles when either side has closed the connection. */
    closed,
    close: (): void => void socket.destroy(),
    request,
    tell,
    /** `onPush` gets its messages until `end`. A caller that ignores `begun` learns of a failure from `closed`. */
    subscribe: (order: UnnumberedRequest, onPush: (push: Push) => void) => {
      const id = nextNumber()
      listeners.set(id, onPush)
      const begun = request(order, 'done', id).then(() => {})
      begun.catch(() => {})
      return {
        id,
        begun,
        end: (): void => {
          if (listeners.delete(id)) tell({ method: 'end', of: id })
        },
      }
    },
  }
}

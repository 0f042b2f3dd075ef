// Attaches to a running core over its control socket.
import { connect, type Socket } from 'node:net'
import type { HistorySample } from '../../contract/history.ts'
import type { Query } from '../../contract/question.ts'
import type { LogId } from '../../contract/service-ids.ts'
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
    const connection = createConnection(aside, () => {})
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
  /** One entry per call of watch(), so that the same function may watch twice. */
  const watchers = new Set<{ readonly tell: (snapshot: Snapshot) => void; watched: boolean }>()
  /** `begun`: it has received the whole history. */
  const historians = new Set<{ readonly tell: (samples: readonly HistorySample[]) => void; begun: boolean }>()
  const followers = new Set<{ readonly log: LogId; readonly tell: (lines: readonly string[]) => void }>()
  const keepers = new Set<object>()

  const onPush = (response: ControlResponse) => {
    if (response.kind === 'snapshot') for (const { tell } of watchers) tell(named(response.snapshot))
    if (response.kind === 'history')
      for (const { tell, begun } of historians) if (begun) tell(response.samples)
    if (response.kind === 'logLines')
      for (const { log, tell } of followers) if (log === response.log) tell(response.lines)
  }
  const connection = createConnection(socket, onPush)
  const { request } = connection
  /** For requests that fail only when the connection has ended, which `closed` reports. */
  const ignore = () => {}
  const tellCore = (order: UnnumberedRequest): void => void request(order, 'done').catch(ignore)

  const tellCadence = (): Promise<unknown> => {
    if (watchers.size === 0) return request({ method: 'unwatch' }, 'done')
    const watched = [...watchers].some((watcher) => watcher.watched)
    return request({ method: 'watch', watched }, 'done')
  }

  return {
    user,
    closed: connection.closed,
    close: connection.close,
    readSnapshot: async () => named((await request({ method: 'snapshot' }, 'snapshot')).snapshot),
    dispatch: async (command) => (await request({ method: 'dispatch', command }, 'outcome')).outcome,
    ask: async (query) => {
      const answer = await askAside(query)
      if (!isAnswerTo(query, answer)) throw new Error(describeOtherVersion())
      return answer
    },
    readSnippet: async ({ developer, snippet }) =>
      (await request({ method: 'snippet', developer, snippet }, 'snippet')).text,
    watch: (tell, { watched } = { watched: true }) => {
      const watcher = { tell, watched }
      const isFirst = watchers.size === 0
      watchers.add(watcher)
      const begun = (async () => {
        await tellCadence()
        // The core sends the current snapshot unasked only to the first watcher of a connection.
        if (!isFirst)
          await request({ method: 'snapshot' }, 'snapshot', ({ snapshot }) => tell(named(snapshot)))
      })()
      // A caller that ignores `begun` learns of a failure from `closed`.
      begun.catch(ignore)
      return {
        begun,
        setWatched: (next) => {
          if (next === watcher.watched || !watchers.has(watcher)) return
          watcher.watched = next
          tellCadence().catch(ignore)
        },
        stop: () => {
          if (watchers.delete(watcher)) tellCadence().catch(ignore)
        },
      }
    },
    watchHistory: (tell) => {
      const historian = { tell, begun: false }
      const leave = join(historians, historian, () => {
        if (historians.size === 0) tellCore({ method: 'unwatchHistory' })
      })
      request({ method: 'watchHistory' }, 'history', ({ samples }) => {
        if (!historians.has(historian)) return
        historian.begun = true
        tell(samples)
      }).catch(ignore)
      return leave
    },
    keep: () => {
      const leave = join(keepers, {}, () => {
        if (keepers.size === 0) tellCore({ method: 'unkeep' })
      })
      if (keepers.size === 1) tellCore({ method: 'keep' })
      return leave
    },
    followLog: (log, tell) => {
      tellCore({ method: 'followLog', log })
      return join(followers, { log, tell }, () => {
        if (![...followers].some((other) => other.log === log)) tellCore({ method: 'unfollowLog', log })
      })
    },
  }
}

/** Returns a function that removes the member again and then calls `onLeft`, once. */
const join = <T>(members: Set<T>, member: T, onLeft: () => void): (() => void) => {
  members.add(member)
  return () => {
    if (members.delete(member)) onLeft()
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type UnnumberedRequest = DistributiveOmit<ControlRequest, 'id'>
type ResponseOf<K extends ControlResponse['kind']> = Extract<ControlResponse, { kind: K }>

interface Pending {
  readonly answer: (response: ControlResponse) => void
  readonly fail: (error: Error) => void
}

const isOfKind = <K extends ControlResponse['kind']>(
  response: ControlResponse,
  kind: K,
): response is ResponseOf<K> => response.kind === kind

type Connection = ReturnType<typeof createConnection>

/**
 * The client's end of the socket: numbered requests, each answered once, with pushed messages in between.
 * @param onPush gets the messages that answer no request
 */
const createConnection = (socket: Socket, onPush: (response: ControlResponse) => void) => {
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
    const said = parseJsonOrNull(line)
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
    /** Settles when either side has closed the connection. */
    closed,
    close: (): void => void socket.destroy(),
    /**
     * Settles with an answer of that kind. `onAnswer` runs in line order, before anything pushed after the answer; the
     * promise settles only after all lines of one chunk.
     */
    request: <K extends ControlResponse['kind']>(
      request: UnnumberedRequest,
      kind: K,
      onAnswer?: (response: ResponseOf<K>) => void,
    ): Promise<ResponseOf<K>> => {
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

// One attached client, as the core sees it: its requests and subscriptions.
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Snapshot } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { createLineReader } from '../base/line-reader.ts'
import type { Watch } from '../observe/published.ts'
import type { CoreLink } from './core-link.ts'
import { createLogPush } from './log-push.ts'
import { type ControlRequest, type ControlResponse, maxLineBytes, parseRequest } from './protocol.ts'
import type { Turnstile } from './turnstile.ts'

/** The connection of a client that leaves more than this unread is closed. */
const maxUnreadBytes = 4 * maxLineBytes
/** An app has up to six. Each costs its pushes, and a guest may hold 32 connections. */
const mostSubscriptions = 16

interface Subscription extends Partial<Pick<Watch, 'begun' | 'setWatched'>> {
  readonly end: () => void
}

export interface SessionLimits {
  /** A longer request ends the connection before it is parsed. */
  readonly maxRequestBytes: number
  /** A rate limit shared by all sessions of one socket; null: none. */
  readonly turnstile: Turnstile | null
}

const ownersLimits: SessionLimits = { maxRequestBytes: maxLineBytes, turnstile: null }

/**
 * Answers one request at a time and reads nothing more meanwhile, nor while an answer is unread: a client that sends
 * thousands of requests and reads nothing costs one request and one answer (issue 12: 3,000 at once blocked the core and
 * grew it to 2.8 GB).
 */
export const serveClient = (
  socket: Socket,
  core: CoreLink,
  { maxRequestBytes, turnstile }: SessionLimits = ownersLimits,
): void => {
  const reader = createLineReader(maxRequestBytes)
  /** Lines of the last chunk read, which the socket limits to 64 KiB. */
  let waiting: string[] = []
  let isAnswering = false
  let read: Promise<void> | null = null
  /** By the number of the request that began it. */
  const subscriptions = new Map<number, Subscription>()

  const send = (response: ControlResponse) => {
    if (socket.destroyed) return
    socket.write(toLine(response))
    if (socket.writableLength > maxUnreadBytes) socket.destroy()
  }

  const untilRead = (): Promise<void> => {
    if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve()
    // Shared: each subscription may wait for it.
    read ??= new Promise((resolve) => {
      const settle = () => {
        socket.off('drain', settle)
        socket.off('close', settle)
        read = null
        resolve()
      }
      socket.on('drain', settle)
      socket.on('close', settle)
    })
    return read
  }

  /** A client that disconnects gives up its place: one that keeps reconnecting would fill the queue (28,000 seen). */
  const untilTurn = (): Promise<void> => {
    if (turnstile === null || socket.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      let leave = () => {}
      const settle = () => {
        leave()
        socket.off('close', settle)
        resolve()
      }
      socket.on('close', settle)
      leave = turnstile.wait(settle)
    })
  }

  /** A slow reader gets the newest snapshot once it has read the rest; older ones are dropped. */
  const pushSnapshots = (of: number) => {
    let newest: Snapshot | null = null
    const sendNewest = () => {
      if (newest !== null) send({ kind: 'watched', of, snapshot: newest })
      newest = null
    }
    return (snapshot: Snapshot) => {
      const isBehind = newest !== null
      newest = snapshot
      if (isBehind) return
      if (socket.writableNeedDrain) void untilRead().then(sendNewest)
      else sendNewest()
    }
  }

  const subscribe = async (id: number, begin: () => Subscription): Promise<ControlResponse> => {
    end(id)
    if (subscriptions.size >= mostSubscriptions)
      throw new Error(`a connection may have at most ${mostSubscriptions} subscriptions`)
    const subscription = begin()
    subscriptions.set(id, subscription)
    try {
      await subscription.begun
    } catch (error) {
      // The client counts it as refused, and may try again with another number.
      end(id)
      throw error
    }
    // Send what it pushed at once before the answer, even if log lines are still unread.
    await untilRead()
    return { kind: 'done', id }
  }

  const end = (id: number) => {
    subscriptions.get(id)?.end()
    subscriptions.delete(id)
  }

  const endAll = () => {
    waiting = []
    for (const id of subscriptions.keys()) end(id)
  }

  const carryOut = async (request: ControlRequest): Promise<ControlResponse> => {
    const { id } = request
    switch (request.method) {
      case 'snapshot':
        return { kind: 'snapshot', id, snapshot: await core.readSnapshot() }
      case 'watch':
        return await subscribe(id, () => {
          const { begun, setWatched, stop } = core.watch(pushSnapshots(id), request)
          return { begun, setWatched, end: stop }
        })
      case 'watchHistory':
        return await subscribe(id, () => ({
          end: core.watchHistory((samples) => send({ kind: 'history', of: id, samples: [...samples] })),
        }))
      case 'followLog': {
        const push = createLogPush(
          () => socket.writableLength,
          (lines) => send({ kind: 'logLines', of: id, lines: [...lines] }),
        )
        return await subscribe(id, () => ({ end: core.followLog(request.log, push) }))
      }
      case 'keep':
        return await subscribe(id, () => ({ end: core.keep() }))
      case 'setWatched':
        subscriptions.get(request.of)?.setWatched?.(request.watched)
        return { kind: 'done', id }
      case 'end':
        end(request.of)
        return { kind: 'done', id }
      case 'dispatch':
        return { kind: 'outcome', id, outcome: await core.dispatch(request.command) }
      case 'ask':
        return { kind: 'answer', id, answer: await core.ask(request.query) }
      case 'snippet':
        return { kind: 'snippet', id, text: await core.readSnippet(request) }
    }
  }

  const answer = async (line: string): Promise<void> => {
    const parsed = parseRequest(line)
    if (parsed.kind === 'garbage') return send({ kind: 'error', id: parsed.id, message: parsed.message })
    try {
      send(await carryOut(parsed.request))
    } catch (error) {
      send({ kind: 'error', id: parsed.request.id, message: messageOf(error) })
    }
    // The client may have disconnected while a subscription was being set up.
    if (socket.destroyed) endAll()
  }

  const answerAll = async (): Promise<void> => {
    if (isAnswering) return
    isAnswering = true
    socket.pause()
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
      await untilTurn()
      if (socket.destroyed) break
      await answer(line)
      await untilRead()
      // Otherwise all ready answers would go out in one turn of the event loop, and other clients would wait.
      await setImmediate()
    }
    isAnswering = false
    socket.resume()
  }

  const hear = (piece: Buffer) => {
    const lines = reader.push(piece)
    if (lines === null) {
      waiting = []
      // Its last answers may never be read: accept nothing more from it.
      socket.off('data', hear)
      send({ kind: 'error', id: null, message: `a line may be at most ${maxRequestBytes} bytes long` })
      socket.destroySoon()
      return
    }
    waiting.push(...lines)
    if (waiting.length > 0) void answerAll()
  }
  socket.on('data', hear)
  // Ignore a client that vanishes mid-write.
  socket.on('error', () => socket.destroy())
  socket.once('close', endAll)
}

/** A client would treat a longer line as garbage and close the connection. */
const toLine = (response: ControlResponse): string => {
  const line = `${JSON.stringify(response)}\n`
  if (Buffer.byteLength(line) <= maxLineBytes) return line
  const message = `the answer is longer than ${maxLineBytes} bytes`
  return `${JSON.stringify({ kind: 'error', id: 'id' in response ? response.id : null, message } satisfies ControlResponse)}\n`
}

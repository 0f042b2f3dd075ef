// One attached client, as the core sees it: its requests and subscriptions.
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { LogId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { createLineReader } from '../base/line-reader.ts'
import type { Watch } from '../observe/watch.ts'
import type { CoreLink } from './core-link.ts'
import { createLogPush } from './log-push.ts'
import { type ControlRequest, type ControlResponse, maxLineBytes, parseRequest } from './protocol.ts'
import type { Turnstile } from './turnstile.ts'

/** The connection of a client that leaves more than this unread is closed. */
const maxUnreadBytes = 4 * maxLineBytes

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
  let watch: Watch | null = null
  /** The newest message for a slow reader, sent once it has read the rest; older snapshots are dropped. */
  let newest: Snapshot | null = null
  let stopHistory: (() => void) | null = null
  let letGo: (() => void) | null = null
  const followed = new Map<LogId, () => void>()

  const send = (response: ControlResponse) => {
    if (socket.destroyed) return
    socket.write(toLine(response))
    if (socket.writableLength > maxUnreadBytes) socket.destroy()
  }

  const untilRead = (): Promise<void> => {
    if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = () => {
        socket.off('drain', settle)
        socket.off('close', settle)
        resolve()
      }
      socket.on('drain', settle)
      socket.on('close', settle)
    })
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

  const sendNewest = () => {
    const snapshot = newest
    newest = null
    if (snapshot !== null) send({ kind: 'snapshot', id: null, snapshot })
  }

  const pushSnapshot = (snapshot: Snapshot) => {
    const isBehind = newest !== null
    newest = snapshot
    if (isBehind) return
    if (socket.writableNeedDrain) void untilRead().then(sendNewest)
    else sendNewest()
  }

  const stopAll = () => {
    waiting = []
    newest = null
    watch?.stop()
    stopHistory?.()
    letGo?.()
    letGo = null
    for (const stop of followed.values()) stop()
    followed.clear()
  }

  const carryOut = async (request: ControlRequest): Promise<ControlResponse> => {
    const { id } = request
    switch (request.method) {
      case 'snapshot':
        return { kind: 'snapshot', id, snapshot: await core.readSnapshot() }
      case 'watch':
        watch?.setWatched(request.watched)
        watch ??= core.watch(pushSnapshot, request)
        await watch.begun
        // Send the current snapshot before the answer, even if log lines are still unread.
        await untilRead()
        return { kind: 'done', id }
      case 'unwatch':
        watch?.stop()
        watch = null
        newest = null
        return { kind: 'done', id }
      case 'dispatch':
        return { kind: 'outcome', id, outcome: await core.dispatch(request.command) }
      case 'ask':
        return { kind: 'answer', id, answer: await core.ask(request.query) }
      case 'watchHistory':
        // The whole history comes at once, before anything else: it is the answer.
        return await new Promise((resolve) => {
          let answered = false
          stopHistory?.()
          stopHistory = core.watchHistory((samples) => {
            if (answered) send({ kind: 'history', id: null, samples: [...samples] })
            else resolve({ kind: 'history', id, samples: [...samples] })
            answered = true
          })
        })
      case 'unwatchHistory':
        stopHistory?.()
        stopHistory = null
        return { kind: 'done', id }
      case 'followLog': {
        const { log } = request
        if (!followed.has(log)) {
          const push = createLogPush(
            () => socket.writableLength,
            (lines) => send({ kind: 'logLines', id: null, log, lines: [...lines] }),
          )
          followed.set(log, core.followLog(log, push))
        }
        return { kind: 'done', id }
      }
      case 'unfollowLog':
        followed.get(request.log)?.()
        followed.delete(request.log)
        return { kind: 'done', id }
      case 'keep':
        letGo ??= core.keep()
        return { kind: 'done', id }
      case 'unkeep':
        letGo?.()
        letGo = null
        return { kind: 'done', id }
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
    if (socket.destroyed) stopAll()
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
  socket.once('close', stopAll)
}

/** A client would treat a longer line as garbage and close the connection. */
const toLine = (response: ControlResponse): string => {
  const line = `${JSON.stringify(response)}\n`
  if (Buffer.byteLength(line) <= maxLineBytes) return line
  const message = `the answer is longer than ${maxLineBytes} bytes`
  return `${JSON.stringify({ kind: 'error', id: response.id, message } satisfies ControlResponse)}\n`
}

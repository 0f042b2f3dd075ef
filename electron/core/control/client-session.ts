// One attached client, as the core sees it: its requests, and all that it asked to be told.
import type { Socket } from 'node:net'
import type { LogId } from '../../contract.ts'
import { messageOf } from '../error-message.ts'
import type { CoreLink, Watch } from './core-link.ts'
import { createLineReader } from './line-reader.ts'
import { createLogPush } from './log-push.ts'
import { type ControlRequest, type ControlResponse, maxLineBytes, parseRequest } from './protocol.ts'

/** A client that does not read is cut off rather than buffered for without end. */
const maxUnreadBytes = 4 * maxLineBytes

export const serveClient = (socket: Socket, core: CoreLink): void => {
  const reader = createLineReader(maxLineBytes)
  let watch: Watch | null = null
  let stopHistory: (() => void) | null = null
  let letGo: (() => void) | null = null
  const followed = new Map<LogId, () => void>()

  const send = (response: ControlResponse) => {
    if (socket.destroyed) return
    socket.write(toLine(response))
    if (socket.writableLength > maxUnreadBytes) socket.destroy()
  }

  const stopAll = () => {
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
        watch ??= core.watch((snapshot) => send({ kind: 'snapshot', id: null, snapshot }), request)
        await watch.begun
        return { kind: 'done', id }
      case 'unwatch':
        watch?.stop()
        watch = null
        return { kind: 'done', id }
      case 'dispatch':
        return { kind: 'outcome', id, outcome: await core.dispatch(request.command) }
      case 'ask':
        return { kind: 'answer', id, answer: await core.ask(request.query) }
      case 'watchHistory':
        // The whole of it comes at once, before anything else is told: it is the answer.
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
    // It may have gone away while something that outlives it was begun.
    if (socket.destroyed) stopAll()
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
  socket.once('close', stopAll)
}

/** A client would take a longer line for garbage and end the connection. */
const toLine = (response: ControlResponse): string => {
  const line = `${JSON.stringify(response)}\n`
  if (Buffer.byteLength(line) <= maxLineBytes) return line
  const message = `the answer is longer than ${maxLineBytes} bytes`
  return `${JSON.stringify({ kind: 'error', id: response.id, message } satisfies ControlResponse)}\n`
}

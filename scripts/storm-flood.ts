// A flood of guests: connections that ask without reading, ask as fast as they get answers, or come and go.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { allRequests } from './storm-requests.ts'

const lines = allRequests
  .filter(({ method }) => ['ask', 'snapshot', 'watch'].includes(method))
  .map((request) => `${JSON.stringify(request)}\n`)

const manners = ['reads nothing', 'asks again', 'comes and goes'] as const
type Manner = (typeof manners)[number]

/** More than the core lets in: the rest keep trying. */
const guests = 40
/** As many as the guest in issue 12 sent without reading. */
const unreadQuestions = 3_000
const knockMs = 5

/** Until the returned function is called. */
export const floodAsGuests = (socketPath: string): (() => void) => {
  const open = new Set<Socket>()
  let isOver = false

  const visit = (manner: Manner, line: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(socketPath)
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        open.delete(socket)
        resolve()
      })
      if (manner === 'reads nothing') {
        socket.pause()
        socket.write(line.repeat(unreadQuestions))
        return
      }
      socket.write(line)
      socket.on('data', (piece) => {
        if (!piece.includes('\n')) return
        if (manner === 'asks again') socket.write(line)
        else socket.destroy()
      })
    })

  const runGuest = async (index: number): Promise<void> => {
    const manner = manners[index % manners.length] ?? 'asks again'
    const line = lines[Math.floor(index / manners.length) % lines.length] ?? ''
    while (!isOver) {
      await visit(manner, line)
      await sleep(knockMs)
    }
  }
  for (let index = 0; index < guests; index += 1) void runGuest(index)
  return () => {
    isOver = true
    for (const socket of open) socket.destroy()
  }
}

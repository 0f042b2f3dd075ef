// A flood of guests: connections that ask without reading, ask as fast as they get answers, or come and go.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const questions = [
  { id: 1, method: 'ask', query: { type: 'doctor' } },
  { id: 2, method: 'ask', query: { type: 'plan' } },
  { id: 3, method: 'snapshot' },
  { id: 4, method: 'ask', query: { type: 'clients' } },
  { id: 5, method: 'watch', watched: true },
].map((question) => `${JSON.stringify(question)}\n`)

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

  const visit = (manner: Manner, question: string): Promise<void> =>
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
        socket.write(question.repeat(unreadQuestions))
        return
      }
      socket.write(question)
      socket.on('data', (piece) => {
        if (!piece.includes('\n')) return
        if (manner === 'asks again') socket.write(question)
        else socket.destroy()
      })
    })

  const runGuest = async (index: number): Promise<void> => {
    const manner = manners[index % manners.length] ?? 'asks again'
    const question = questions[Math.floor(index / manners.length) % questions.length] ?? ''
    while (!isOver) {
      await visit(manner, question)
      await sleep(knockMs)
    }
  }
  for (let index = 0; index < guests; index += 1) void runGuest(index)
  return () => {
    isOver = true
    for (const socket of open) socket.destroy()
  }
}

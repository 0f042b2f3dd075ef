// One request of each kind that the control protocol knows, for the storm's doors, and a flood of guests that sends them.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../electron/contract/command.ts'
import type { Query } from '../electron/contract/question.ts'
import { defaultConfig } from '../electron/core/config/config.ts'
import type { ControlRequest } from '../electron/core/control/protocol.ts'

type OneOfEach<T, K extends keyof T> = {
  readonly [Name in T[K] & string]: Extract<T, { readonly [_ in K]: Name }>
}

const questions: OneOfEach<Query, 'type'> = {
  plan: { type: 'plan' },
  doctor: { type: 'doctor' },
  models: { type: 'models' },
  clients: { type: 'clients' },
  settings: { type: 'settings' },
  logTail: { type: 'logTail', log: 'core', lines: 5 },
}

/** Not what ends the stack, which the other doors need: the kill rounds give those orders. */
const commands: Omit<OneOfEach<Command, 'type'>, 'stop' | 'restart'> = {
  start: { type: 'start', only: null, profile: '/etc/passwd', force: true },
  configure: { type: 'configure', config: defaultConfig, revision: 'of another file' },
  key: { type: 'key', action: 'create', developer: 'mallory' },
  // A port on which nothing listens.
  fetchModel: { type: 'fetchModel', model: 'a/b:c.gguf', endpoint: 'http://127.0.0.1:9', token: 'x' },
  cancelFetch: { type: 'cancelFetch', id: 'a/b/c.gguf' },
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

/** Of `dispatch` and `ask` one for each command and question. */
const requests: { readonly [M in ControlRequest['method']]: readonly Unnumbered<ControlRequest>[] } = {
  snapshot: [{ method: 'snapshot' }],
  watch: [{ method: 'watch', watched: true }],
  unwatch: [{ method: 'unwatch' }],
  dispatch: Object.values(commands).map((command) => ({ method: 'dispatch', command })),
  ask: Object.values(questions).map((query) => ({ method: 'ask', query })),
  watchHistory: [{ method: 'watchHistory' }],
  unwatchHistory: [{ method: 'unwatchHistory' }],
  keep: [{ method: 'keep' }],
  unkeep: [{ method: 'unkeep' }],
  followLog: [{ method: 'followLog', log: 'llamaServer' }],
  unfollowLog: [{ method: 'unfollowLog', log: 'llamaServer' }],
  snippet: [{ method: 'snippet', developer: 'user1', snippet: 'bash' }],
}

export const allRequests = Object.values(requests)
  .flat()
  .map((request, index) => ({ id: index + 1, ...request }))

const floodLines = allRequests
  .filter(({ method }) => ['ask', 'snapshot', 'watch'].includes(method))
  .map((request) => `${JSON.stringify(request)}\n`)

const manners = ['reads nothing', 'asks again', 'comes and goes'] as const
type Manner = (typeof manners)[number]

/** More than the core lets in: the rest keep trying. */
const guests = 40
/** As many as the guest in issue 12 sent without reading. */
const unreadQuestions = 3_000
const knockMs = 5

/**
 * Connections that ask without reading, ask as fast as they get answers, or come and go. Until the returned function is
 * called.
 */
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
    const line = floodLines[Math.floor(index / manners.length) % floodLines.length] ?? ''
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

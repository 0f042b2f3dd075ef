// The actions of a kill round: drawn from a seed by fast-check and carried out on the processes themselves.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { Command } from '../electron/contract/command.ts'
import { within } from '../electron/core/base/deadline.ts'
import { takeCensus } from './storm-census.ts'
import type { StormStack } from './storm-stack.ts'

const targets = ['engines', 'routers', 'cores'] as const
type Target = (typeof targets)[number]

const stateFiles = ['ledger.json', 'intent.json', 'allocations.json', 'core.lock.owner'] as const
const damages = ['cut', 'garbage', 'emptied', 'removed', 'nested', 'other'] as const

const orders = ['start', 'stop', 'restart', 'restart llamaServer', 'restart proxy', 'stop proxy'] as const
type Order = (typeof orders)[number]

const commandOf = (order: Order): Command => {
  switch (order) {
    case 'start':
      return { type: 'start', only: null, profile: null, force: false }
    case 'stop':
      return { type: 'stop', only: null, eject: false, now: true, force: false }
    case 'stop proxy':
      return { type: 'stop', only: 'proxy', eject: false, now: true, force: false }
    case 'restart':
      return { type: 'restart', only: null, now: true }
    case 'restart llamaServer':
      return { type: 'restart', only: 'llamaServer', now: true }
    case 'restart proxy':
      return { type: 'restart', only: 'proxy', now: true }
  }
}

export const startCommand: Command = commandOf('start')

const target = fc.constantFrom(...targets)
const ms = (most: number) => fc.integer({ min: 0, max: most })

const killing = fc.record({
  kind: fc.constant('kill'),
  // One to three of them, so that pairs and all three occur.
  targets: fc.uniqueArray(target, { minLength: 1, maxLength: 3 }),
  signal: fc.constantFrom('SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGABRT'),
  gapMs: ms(300),
  /** Its replacement is killed too. */
  times: fc.constantFrom(1, 1, 1, 2),
})
const pausing = fc.record({
  kind: fc.constant('pause'),
  target,
  pausedMs: ms(1_500),
  killMeanwhile: fc.option(target),
})
const takingPort = fc.record({
  kind: fc.constant('port'),
  target: fc.constantFrom('engines', 'routers'),
  heldMs: fc.integer({ min: 300, max: 1_500 }),
})
const fillingDisk = fc.record({
  kind: fc.constant('disk'),
  targets: fc.uniqueArray(target, { minLength: 1, maxLength: 3 }),
  fullMs: ms(1_000),
})
const damaging = fc.record({
  kind: fc.constant('files'),
  files: fc.uniqueArray(fc.constantFrom(...stateFiles), { minLength: 1 }),
  damage: fc.constantFrom(...damages),
  /** With the core, which alone reads them again. */
  alsoKilled: fc.uniqueArray(fc.constantFrom('engines', 'routers'), { maxLength: 2 }),
})
const commanding = fc.record({
  kind: fc.constant('commands'),
  orders: fc.array(fc.constantFrom(...orders), { minLength: 1, maxLength: 5 }),
  gapMs: fc.constantFrom(0, 0, 5, 50, 300),
  killed: fc.option(target),
  killedAfterMs: ms(400),
})
const byCommandLine = fc.record({
  kind: fc.constant('nexus'),
  words: fc.array(fc.constantFrom('up', 'down --now', 'restart proxy --now', 'status', 'down'), {
    minLength: 2,
    maxLength: 3,
  }),
})
const stopping = fc.record({ kind: fc.constant('stop'), eject: fc.boolean() })
const losing = fc.record({
  kind: fc.constantFrom('socket', 'second core', 'logs removed'),
})

export const actions = fc.oneof(
  { weight: 12, arbitrary: killing },
  { weight: 4, arbitrary: pausing },
  { weight: 2, arbitrary: takingPort },
  { weight: 2, arbitrary: fillingDisk },
  { weight: 4, arbitrary: damaging },
  { weight: 4, arbitrary: commanding },
  { weight: 1, arbitrary: byCommandLine },
  { weight: 2, arbitrary: stopping },
  { weight: 2, arbitrary: losing },
)
export type Action = typeof actions extends fc.Arbitrary<infer T> ? T : never

/** The result of an action. */
export interface ActionReport {
  /** Number of signals that ended a process. */
  readonly kills: number
  readonly faults: readonly string[]
  /** Output of commands, to be searched for keys and control characters. */
  readonly printed: readonly string[]
}

const done = (report: Partial<ActionReport> = {}): ActionReport => ({
  kills: 0,
  faults: [],
  printed: [],
  ...report,
})

/** Kills those that run now; returns how many. */
const killNow = (stack: StormStack, which: readonly Target[], signal: NodeJS.Signals = 'SIGKILL'): number => {
  const census = takeCensus(stack)
  return which.flatMap((each) => census[each]).filter((pid) => send(pid, signal)).length
}

/** Returns whether it was there. */
const send = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const answerMs = 10_000
/**
 * A server whose core was killed is a child of pid 1 and stays a zombie until pid 1 reaps it: at once with systemd and
 * launchd, every 2 s with the init of the machine where this was measured. The core checks a pid's identity every 5 s.
 */
export const mostStaleMs = 7_000

export const carryOut = async (action: Action, stack: StormStack): Promise<ActionReport> => {
  switch (action.kind) {
    case 'kill':
      return await kill(action, stack)
    case 'pause':
      return await pause(action, stack)
    case 'port':
      return await takePort(action, stack)
    case 'disk':
      return await fillDisk(action, stack)
    case 'files':
      return damageFiles(action, stack)
    case 'commands':
      return await giveCommands(action, stack)
    case 'nexus':
      return await runCommands(action, stack)
    case 'stop':
      return await stopAll(action, stack)
    case 'socket':
      return await removeSocket(stack)
    case 'second core':
      return await startSecondCore(stack)
    case 'logs removed':
      for (const id of ['llamaServer', 'proxy', 'core'] as const)
        rmSync(stack.folder.logPath(id), { force: true })
      return done({ kills: killNow(stack, ['engines']) })
  }
}

type Of<K extends Action['kind']> = Extract<Action, { kind: K }>

const kill = async ({ targets: which, signal, gapMs, times }: Of<'kill'>, stack: StormStack) => {
  let kills = 0
  for (let time = 0; time < times; time += 1) {
    for (const each of which) {
      kills += killNow(stack, [each], signal)
      await sleep(gapMs)
    }
  }
  return done({ kills })
}

const pause = async ({ target: which, pausedMs, killMeanwhile }: Of<'pause'>, stack: StormStack) => {
  const paused = takeCensus(stack)[which]
  for (const pid of paused) send(pid, 'SIGSTOP')
  try {
    await sleep(pausedMs)
    return done({ kills: killMeanwhile === null ? 0 : killNow(stack, [killMeanwhile]) })
  } finally {
    for (const pid of paused) send(pid, 'SIGCONT')
  }
}

/** This process is the foreigner on the port, so it would not survive a core that signals foreign processes. */
const takePort = async ({ target: which, heldMs }: Of<'port'>, stack: StormStack) => {
  const service = which === 'engines' ? 'llamaServer' : 'proxy'
  const port = which === 'engines' ? stack.enginePort : stack.routerPort
  const server = createServer((socket) => socket.destroy())
  const kills = killNow(stack, [which])
  const isOurs = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isOurs) return done({ kills })
  try {
    await sleep(heldMs)
    const deadline = performance.now() + mostStaleMs
    while (performance.now() < deadline) {
      const client = await stack.attach()
      const snapshot = client === null ? null : await within(client.readSnapshot(), answerMs)
      client?.close()
      if (snapshot?.services[service].phase !== 'ready') return done({ kills })
      await sleep(200)
    }
    return done({ kills, faults: [`${service} is said to be ready while a stranger has its port`] })
  } finally {
    server.close()
  }
}

const fillDisk = async ({ targets: which, fullMs }: Of<'disk'>, stack: StormStack) => {
  const path = join(stack.folder.root, 'filler')
  const faults: string[] = []
  if (stack.ownDisk) fill(path)
  const kills = killNow(stack, which)
  if (which.includes('cores')) {
    // It may refuse to start on a full disk, at once and with a message.
    await stack.startCore().catch((error: Error) => {
      if (error.message.includes('did not listen')) faults.push(`on a full disk: ${error.message}`)
    })
  }
  await sleep(fullMs)
  rmSync(path, { force: true })
  // The next core must repair what could not be saved meanwhile (the ledger logs it in the core's log).
  return done({ kills: kills + killNow(stack, ['cores']), faults })
}

const fill = (path: string): void => {
  for (const bytes of [1_048_576, 4_096]) {
    const block = Buffer.alloc(bytes)
    try {
      for (;;) writeFileSync(path, block, { flag: 'a' })
    } catch {
      // Until no block of this size is free.
    }
  }
}

const damageFiles = ({ files, damage, alsoKilled }: Of<'files'>, stack: StormStack): ActionReport => {
  // The core first: it could write them again.
  const kills = killNow(stack, ['cores', ...alsoKilled])
  for (const name of files) damageFile(join(stack.folder.root, name), damage)
  return done({ kills })
}

const damageFile = (path: string, damage: (typeof damages)[number]): void => {
  if (!existsSync(path)) return
  const text = readFileSync(path)
  switch (damage) {
    case 'cut':
      truncateSync(path, Math.floor(text.length / 2))
      return
    case 'garbage':
      writeFileSync(path, randomBytes(text.length))
      return
    case 'emptied':
      writeFileSync(path, '')
      return
    case 'removed':
      rmSync(path)
      return
    case 'nested':
      writeFileSync(path, '['.repeat(200_000))
      return
    case 'other':
      writeFileSync(path, '{"version":1,"entries":[{"service":"proxy","pid":1}],"up":["proxy"]}')
      return
  }
}

const giveCommands = async (
  { orders: given, gapMs, killed, killedAfterMs }: Of<'commands'>,
  stack: StormStack,
) => {
  const client = await stack.attach()
  if (client === null) return done({ faults: ['no core listens'] })
  let kills = 0
  const killing = killed === null ? null : sleep(killedAfterMs).then(() => killNow(stack, [killed]))
  const answers: Promise<unknown>[] = []
  for (const order of given) {
    // A core that is killed meanwhile does not answer.
    answers.push(client.dispatch(commandOf(order)).catch(() => null))
    await sleep(gapMs)
  }
  kills += (await killing) ?? 0
  const answered = await within(Promise.all(answers), 30_000)
  client.close()
  return done({
    kills,
    faults: answered === null ? [`a command of ${given.join(', ')} was not answered`] : [],
  })
}

const runCommands = async ({ words }: Of<'nexus'>, stack: StormStack) => {
  const ends = await Promise.all(words.map((each) => stack.nexus(each.split(' '))))
  const faults = ends.flatMap(({ code }, index) =>
    code === null ? [`nexus ${words[index]} did not end within 60 s beside ${words.join(', ')}`] : [],
  )
  // `up` ends with the lines for clients, which contain a key.
  const printed = ends.map(({ output }) => output.replaceAll(/sk-opta-[\w-]+/g, ''))
  return done({ faults, printed })
}

const stopAll = async ({ eject }: Of<'stop'>, stack: StormStack) => {
  const words = ['down', '--now', ...(eject ? ['--eject'] : [])]
  const { code, output } = await stack.nexus(words)
  const { engines, routers } = takeCensus(stack)
  const left = [...engines, ...routers]
  return done({
    printed: [output],
    faults: [
      ...(code === 0 ? [] : [`nexus ${words.join(' ')} ended with ${code}: ${output.trim()}`]),
      ...(left.length > 0 ? [`nexus down left pid ${left.join(', ')}`] : []),
    ],
  })
}

const removeSocket = async (stack: StormStack) => {
  rmSync(stack.folder.socketPath, { force: true })
  const deadline = performance.now() + answerMs
  while (performance.now() < deadline) {
    await sleep(100)
    const client = await stack.attach()
    client?.close()
    if (client !== null) return done()
  }
  return done({
    kills: killNow(stack, ['cores']),
    faults: [`a core whose control.sock was removed does not listen again within ${answerMs / 1000} s`],
  })
}

const startSecondCore = async (stack: StormStack) => {
  const { code, output } = await stack.nexus(['serve'], answerMs)
  return done({
    printed: [output],
    faults: code === 1 ? [] : [`a second core ended with ${code} instead of 1: ${output.trim()}`],
  })
}

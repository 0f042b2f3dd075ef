// The actions of a kill round: drawn from a seed by fast-check and carried out on the processes themselves.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { Command } from '../electron/contract/command.ts'
import { within } from '../electron/core/base/first-of.ts'
import { sendSignal } from './processes.ts'
import { takeCensus } from './storm-census.ts'
import type { StormStack } from './storm-stack.ts'

const targets = ['engines', 'routers', 'cores'] as const
export type Target = (typeof targets)[number]

export interface Action {
  readonly kind: string
  /** As drawn, for a report. */
  readonly given: unknown
  readonly carryOut: (stack: StormStack) => Promise<ActionReport>
}

/** The result of an action; what is absent did not happen. */
export interface ActionReport {
  /** Number of signals that ended a process. */
  readonly kills?: number
  readonly faults?: readonly string[]
  /** Output of commands, to be searched for keys and control characters. */
  readonly printed?: readonly string[]
  /** It only killed these, so often: the others live on, and none is started more often. */
  readonly onlyKilled?: { readonly targets: readonly Target[]; readonly times: number }
}

const action = <T>(
  weight: number,
  kind: string,
  given: fc.Arbitrary<T>,
  carryOut: (given: T, stack: StormStack) => Promise<ActionReport>,
): fc.WeightedArbitrary<Action> => ({
  weight,
  arbitrary: given.map((drawn) => ({
    kind,
    given: drawn,
    carryOut: (stack: StormStack) => carryOut(drawn, stack),
  })),
})

const target = fc.constantFrom(...targets)
const someTargets = fc.uniqueArray(target, { minLength: 1, maxLength: 3 })
const ms = (most: number) => fc.integer({ min: 0, max: most })

/** Kills those that run now; returns how many. */
const killNow = (stack: StormStack, which: readonly Target[], signal: NodeJS.Signals = 'SIGKILL'): number => {
  const census = takeCensus(stack)
  return which.flatMap((each) => census[each]).filter((pid) => sendSignal(pid, signal)).length
}

const answerMs = 10_000
/**
 * A server whose core was killed is a child of pid 1 and stays a zombie until pid 1 reaps it: at once with systemd and
 * launchd, every 2 s with the init of the machine where this was measured. The core checks a pid's identity every 5 s.
 */
export const mostStaleMs = 7_000

const kill = action(
  12,
  'kill',
  fc.record({
    // One to three of them, so that pairs and all three occur.
    targets: someTargets,
    signal: fc.constantFrom('SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGABRT'),
    gapMs: ms(300),
    /** Its replacement is killed too. */
    times: fc.constantFrom(1, 1, 1, 2),
  }),
  async ({ targets: which, signal, gapMs, times }, stack) => {
    let kills = 0
    for (let time = 0; time < times; time += 1) {
      for (const each of which) {
        kills += killNow(stack, [each], signal)
        await sleep(gapMs)
      }
    }
    return { kills, onlyKilled: { targets: which, times } }
  },
)

const pause = action(
  4,
  'pause',
  fc.record({ paused: target, pausedMs: ms(1_500), killed: fc.option(target) }),
  async ({ paused, pausedMs, killed }, stack) => {
    const pids = takeCensus(stack)[paused]
    for (const pid of pids) sendSignal(pid, 'SIGSTOP')
    try {
      await sleep(pausedMs)
      return { kills: killed === null ? 0 : killNow(stack, [killed]) }
    } finally {
      for (const pid of pids) sendSignal(pid, 'SIGCONT')
    }
  },
)

/** This process is the foreigner on the port, so it would not survive a core that signals foreign processes. */
const takePort = action(
  2,
  'port',
  fc.record({
    target: fc.constantFrom('engines', 'routers'),
    heldMs: fc.integer({ min: 300, max: 1_500 }),
  }),
  async ({ target: which, heldMs }, stack) => {
    const service = which === 'engines' ? 'llamaServer' : 'proxy'
    const port = which === 'engines' ? stack.enginePort : stack.routerPort
    const server = createServer((socket) => socket.destroy())
    const kills = killNow(stack, [which])
    const isOurs = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isOurs) return { kills }
    try {
      await sleep(heldMs)
      const deadline = performance.now() + mostStaleMs
      while (performance.now() < deadline) {
        const snapshot = await within(
          stack.readSnapshot().catch(() => null),
          answerMs,
        )
        if (snapshot?.services[service].phase !== 'ready') return { kills }
        await sleep(200)
      }
      return { kills, faults: [`${service} is said to be ready while a stranger has its port`] }
    } finally {
      server.close()
    }
  },
)

const fillDisk = action(
  2,
  'disk',
  fc.record({ targets: someTargets, fullMs: ms(1_000) }),
  async ({ targets: which, fullMs }, stack) => {
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
    return { kills: kills + killNow(stack, ['cores']), faults }
  },
)

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

const damages = {
  cut: (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  garbage: (path: string) => writeFileSync(path, randomBytes(readFileSync(path).length)),
  emptied: (path: string) => writeFileSync(path, ''),
  removed: (path: string) => rmSync(path),
  nested: (path: string) => writeFileSync(path, '['.repeat(200_000)),
  other: (path: string) =>
    writeFileSync(path, '{"version":1,"entries":[{"service":"proxy","pid":1}],"up":["proxy"]}'),
} as const

const damageFiles = action(
  4,
  'files',
  fc.record({
    files: fc.subarray(['ledger.json', 'intent.json', 'allocations.json', 'core.lock.owner'], {
      minLength: 1,
    }),
    damage: fc.constantFrom('cut', 'garbage', 'emptied', 'removed', 'nested', 'other'),
    /** With the core, which alone reads them again. */
    alsoKilled: fc.subarray(['engines', 'routers'] as const),
  }),
  async ({ files, damage, alsoKilled }, stack) => {
    // The core first: it could write them again.
    const kills = killNow(stack, ['cores', ...alsoKilled])
    for (const path of files.map((name) => join(stack.folder.root, name)))
      if (existsSync(path)) damages[damage](path)
    return { kills }
  },
)

export const orders = {
  start: { type: 'start', only: null, profile: null, force: false },
  stop: { type: 'stop', only: null, eject: false, now: true, force: false },
  'stop proxy': { type: 'stop', only: 'proxy', eject: false, now: true, force: false },
  restart: { type: 'restart', only: null, now: true },
  'restart llamaServer': { type: 'restart', only: 'llamaServer', now: true },
  'restart proxy': { type: 'restart', only: 'proxy', now: true },
} as const satisfies Readonly<Record<string, Command>>

export const startCommand: Command = orders.start

const giveCommands = action(
  4,
  'commands',
  fc.record({
    orders: fc.array(fc.constantFrom(...Object.values(orders)), { minLength: 1, maxLength: 5 }),
    gapMs: fc.constantFrom(0, 0, 5, 50, 300),
    killed: fc.option(target),
    killedAfterMs: ms(400),
  }),
  async ({ orders: given, gapMs, killed, killedAfterMs }, stack) =>
    stack.withCore(async (core) => {
      const killing = killed === null ? 0 : sleep(killedAfterMs).then(() => killNow(stack, [killed]))
      const answers: Promise<unknown>[] = []
      for (const order of given) {
        // A core that is killed meanwhile does not answer.
        answers.push(core.dispatch(order).catch(() => null))
        await sleep(gapMs)
      }
      const kills = await killing
      const answered = await within(Promise.all(answers), 30_000)
      return { kills, faults: answered === null ? ['a command was not answered'] : [] }
    }),
)

const runCommands = action(
  1,
  'nexus',
  fc.array(fc.constantFrom('up', 'down --now', 'restart proxy --now', 'status', 'down'), {
    minLength: 2,
    maxLength: 3,
  }),
  async (words, stack) => {
    const ends = await Promise.all(words.map((each) => stack.nexus(each.split(' '))))
    return {
      faults: ends.flatMap(({ code }, index) =>
        code === null ? [`nexus ${words[index]} did not end within 60 s beside ${words.join(', ')}`] : [],
      ),
      // `up` ends with the lines for clients, which contain a key.
      printed: ends.map(({ output }) => output.replaceAll(/sk-opta-[\w-]+/g, '')),
    }
  },
)

const stopAll = action(2, 'stop', fc.constantFrom([], ['--eject']), async (eject, stack) => {
  const words = ['down', '--now', ...eject]
  const { code, output } = await stack.nexus(words)
  const { engines, routers } = takeCensus(stack)
  const left = [...engines, ...routers]
  return {
    printed: [output],
    faults: [
      ...(code === 0 ? [] : [`nexus ${words.join(' ')} ended with ${code}: ${output.trim()}`]),
      ...(left.length > 0 ? [`nexus down left pid ${left.join(', ')}`] : []),
    ],
  }
})

const removeSocket = action(1, 'socket', fc.constant(null), async (_, stack) => {
  rmSync(stack.folder.socketPath, { force: true })
  const deadline = performance.now() + answerMs
  while (performance.now() < deadline) {
    await sleep(100)
    const client = await stack.attach()
    client?.close()
    if (client !== null) return {}
  }
  return {
    kills: killNow(stack, ['cores']),
    faults: [`a core whose control.sock was removed does not listen again within ${answerMs / 1000} s`],
  }
})

const startSecondCore = action(1, 'second core', fc.constant(null), async (_, stack) => {
  const { code, output } = await stack.nexus(['serve'], answerMs)
  return {
    printed: [output],
    faults: code === 1 ? [] : [`a second core ended with ${code} instead of 1: ${output.trim()}`],
  }
})

const removeLogs = action(1, 'logs removed', fc.constant(null), async (_, stack) => {
  for (const id of ['llamaServer', 'proxy', 'core'] as const)
    rmSync(stack.folder.logPath(id), { force: true })
  return { kills: killNow(stack, ['engines']) }
})

export const actions: fc.Arbitrary<Action> = fc.oneof(
  kill,
  pause,
  takePort,
  fillDisk,
  damageFiles,
  giveCommands,
  runCommands,
  stopAll,
  removeSocket,
  startSecondCore,
  removeLogs,
)

// How the app ends: asked by a person, or at once.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { Command, Outcome } from '../contract/command.ts'
import { appState } from '../contract/test-support/sample-app-state.ts'
import { sampleSnapshot } from '../contract/test-support/sample-snapshot.ts'
import { createAppState } from './feeds.ts'
import { createQuit, type QuitParts, servicesRun, stopEverything } from './quit.ts'

const setUp = (answer: 'leave' | 'stop' | 'cancel', change: Partial<QuitParts> = {}) => {
  const done: string[] = []
  let exited = () => {}
  const exit = new Promise<void>((resolve) => {
    exited = resolve
  })
  const parts: QuitParts = {
    anythingRuns: () => true,
    ask: async () => {
      done.push('ask')
      return answer
    },
    stopEverything: async () => {
      done.push('stop')
      return null
    },
    tell: (reason) => done.push(`tell ${reason}`),
    letGo: async () => {
      done.push('let go')
    },
    exit: () => {
      done.push('exit')
      exited()
    },
    ...change,
  }
  return { quit: createQuit(parts), done, exit }
}

it('asks once, however often it is asked to quit, and leaves everything running', async () => {
  const { quit, done, exit } = setUp('leave')
  quit.request()
  quit.request()
  await exit
  quit.request()
  expect(done).toEqual(['ask', 'let go', 'exit'])
})

it('stops everything before it goes when told to', async () => {
  const { quit, done, exit } = setUp('stop')
  quit.request()
  await exit
  expect(done).toEqual(['ask', 'stop', 'let go', 'exit'])
})

it('stays when the person thinks better of it, and asks anew the next time', async () => {
  const { quit, done } = setUp('cancel')
  quit.request()
  await new Promise(setImmediate)
  expect(done).toEqual(['ask'])
  quit.request()
  await new Promise(setImmediate)
  expect(done).toEqual(['ask', 'ask'])
})

it('stays and says why when not everything stopped', async () => {
  const { quit, done } = setUp('stop', { stopEverything: async () => 'the Router is still there' })
  quit.request()
  await vi.waitFor(() => expect(done).toEqual(['ask', 'tell the Router is still there']))
})

it('does not ask when nothing runs', async () => {
  const { quit, done, exit } = setUp('stop', { anythingRuns: () => false })
  quit.request()
  await exit
  expect(done).toEqual(['let go', 'exit'])
})

it('goes at once for the system, also while the question stands, and once only', async () => {
  const { quit, done, exit } = setUp('leave', { ask: () => new Promise(() => {}) })
  quit.request()
  quit.atOnce()
  quit.atOnce()
  await exit
  expect(done).toEqual(['let go', 'exit'])
})

it('exits by its deadline when the core does not let go', async () => {
  vi.useFakeTimers()
  const { quit, done } = setUp('leave', { letGo: () => new Promise(() => {}) })
  quit.atOnce()
  await vi.advanceTimersByTimeAsync(2_900)
  expect(done).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(done).toEqual(['exit'])
  vi.useRealTimers()
})

it('exits also when letting go fails', async () => {
  const { quit, done, exit } = setUp('leave', { letGo: () => Promise.reject(new Error('socket')) })
  quit.atOnce()
  await exit
  expect(done).toEqual(['exit'])
})

const stoppedServices = {
  ...sampleSnapshot.services,
  llamaServer: { ...sampleSnapshot.services.llamaServer, phase: 'stopped' },
  proxy: { ...sampleSnapshot.services.proxy, phase: 'stopped' },
} as const

const stopping = (background = false, outcome: Outcome = { accepted: true }, deadlineMs = 5_000) => {
  const state = createAppState(appState({ owner: { ...sampleSnapshot.owner, background } }))
  const commands: Command[] = []
  const answer = stopEverything({
    state,
    dispatch: async (command) => {
      commands.push(command)
      return outcome
    },
    deadlineMs,
  })
  return { state, commands, answer }
}

it('knows whether there is anything to stop', () => {
  expect(servicesRun(appState({}))).toBe(true)
  expect(servicesRun(appState({ services: stoppedServices }))).toBe(false)
  expect(servicesRun(appState(null))).toBe(false)
  const failed = (pid: number | null) => ({
    ...stoppedServices,
    llamaServer: { ...stoppedServices.llamaServer, phase: 'failed' as const, pid },
  })
  expect(servicesRun(appState({ services: failed(null) }))).toBe(false)
  expect(servicesRun(appState({ services: failed(77) }))).toBe(true)
})

it('waits until both servers have stopped; the RAM disk stays', async () => {
  const { state, commands, answer } = stopping()
  state.update(appState({ overall: 'stopping' }))
  state.update(appState({ services: stoppedServices }))
  expect(await answer).toBeNull()
  expect(commands).toEqual([{ type: 'stop', only: null, eject: false, now: false, force: false }])
})

it('says why it was refused', async () => {
  expect(await stopping(false, { accepted: false, reason: 'a proof runs' }).answer).toBe('a proof runs')
})

it('does not wait for ever', async () => {
  expect(await stopping(false, { accepted: true }, 20).answer).toBe('not everything stopped in time')
})

it('takes the end of a core that ends with its services for what it is', async () => {
  const gone = appState(null, { link: { kind: 'lost', reason: 'gone' } })
  const background = stopping(true)
  background.state.update(gone)
  expect(await background.answer).toBeNull()
  const other = stopping(false)
  await Promise.resolve()
  other.state.update(gone)
  expect(await other.answer).toBe('the core went away before everything had stopped')
})

// The watchdog on real processes: an app that hangs at quit, and one that does not.
const modulePath = join(import.meta.dirname, 'quit.ts')

/** Starts the watchdog, and then does that with its only thread. */
const quitting = (then: string) =>
  spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { watchQuit } from ${JSON.stringify(modulePath)}; watchQuit(process.execPath, 300); ${then}`,
    ],
    { stdio: 'ignore' },
  )

/** Pids of the watchdogs of that app, as everybody reads them. */
const listWatchdogs = (app: number): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words[1] === '-e' && words[3] === String(app)
    } catch {
      // It is no process, or has ended since.
      return false
    }
  })

it('ends an app whose process hangs', async () => {
  const app = quitting('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
  expect(await once(app, 'exit')).toEqual([null, 'SIGKILL'])
})

// Found through /proc.
it.skipIf(process.platform !== 'linux')('leaves one alone that ends in time, and ends itself', async () => {
  const app = quitting('process.exit(7)')
  expect(await once(app, 'exit')).toEqual([7, null])
  // Its watchdog may not even have begun.
  await expect.poll(() => listWatchdogs(app.pid ?? 0), { timeout: 5_000 }).toEqual([])
})

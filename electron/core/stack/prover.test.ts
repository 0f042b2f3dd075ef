// The prover: one message through the model per pair of processes, and never a proof for another pair.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proof } from '../../contract/snapshot.ts'
import type { ChainFault } from '../router/litellm-health.ts'
import { createProver, type ProvedPair, readProof, writeProof } from './prover.ts'

let folder: string
let recordPath: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nexus-prover-'))
  recordPath = join(folder, 'proof.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Answer = Omit<Proof, 'checkedAt'>
const answer = (provedAt: number): Answer => ({ provedAt, milliseconds: 12, outputTokens: 8, model: 'm' })
const pairOf = (llamaServer: string, proxy = 'proxy@1'): ProvedPair => ({ llamaServer, proxy })
const first = pairOf('engine@1')
const second = pairOf('engine@2')

interface Attempt {
  readonly signal: AbortSignal
  readonly succeed: (provedAt: number) => void
  readonly fail: (reason: string) => void
}

const setUp = (serving: ProvedPair | null) => {
  const world = { serving, broken: null as ChainFault | null, changes: 0, checks: 0 }
  const attempts: Attempt[] = []
  const logged: string[] = []
  const prover = createProver({
    recordPath,
    servingPair: () => world.serving,
    prove: (signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('cancelled')))
        attempts.push({
          signal,
          succeed: (provedAt) => resolve(answer(provedAt)),
          fail: (reason) => reject(new Error(reason)),
        })
      }),
    check: async () => {
      world.checks += 1
      return world.broken
    },
    onChange: () => {
      world.changes += 1
      // As the core does: every change is a reason to look again.
      prover.consider()
    },
    logError: ({ message }) => logged.push(message),
  })
  const attempt = (index: number): Attempt => {
    const found = attempts[index]
    if (found === undefined) throw new Error(`there were only ${attempts.length} attempts`)
    return found
  }
  return { prover, world, attempts, attempt, logged }
}

/** Lets everything that has been settled be noticed. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('consider', () => {
  it('proves once for one pair of processes, however often it is asked', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    prover.consider()
    expect(prover.proof()).toBeNull()
    attempt(0).succeed(100)
    await settled()
    prover.consider()
    expect(attempts).toHaveLength(1)
    expect(prover.proof()).toEqual({ ...answer(100), checkedAt: null })
    expect(world.changes).toBe(1)
    expect(readProof(recordPath, first)).toEqual({ ...answer(100), checkedAt: null })
  })

  it('is proved although that cannot be written down', async () => {
    const { prover, attempt, logged } = setUp(first)
    prover.consider()
    mkdirSync(join(recordPath, 'in-the-way'), { recursive: true })
    attempt(0).succeed(100)
    await settled()
    expect(prover.proof()?.provedAt).toBe(100)
    expect(prover.failure()).toBeNull()
    expect(logged).toEqual([expect.stringContaining('could not save the proof')])
  })

  it('asks nothing until both serve', () => {
    const { prover, attempts } = setUp(null)
    prover.consider()
    expect(attempts).toHaveLength(0)
    expect(prover.proof()).toBeNull()
    expect(prover.failure()).toBeNull()
  })

  it.each([
    ['llama-server', second],
    ['LiteLLM', pairOf('engine@1', 'proxy@2')],
  ])('proves again after a restart of %s, and shows the old proof no more', async (_, next) => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).succeed(100)
    await settled()
    world.serving = next
    expect(prover.proof()).toBeNull()
    prover.consider()
    expect(attempts).toHaveLength(2)
    attempt(1).succeed(200)
    await settled()
    expect(prover.proof()?.provedAt).toBe(200)
  })

  it('calls the message off when the stack stops, without a word of failure', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    world.serving = null
    prover.consider()
    expect(attempt(0).signal.aborted).toBe(true)
    await settled()
    expect(prover.failure()).toBeNull()
    expect(world.changes).toBe(0)
    // The same two processes serve again (one had been degraded and looked gone): a message called off is no answer.
    world.serving = first
    expect(prover.failure()).toBeNull()
    prover.consider()
    expect(attempts).toHaveLength(2)
  })

  it('does not let an answer that comes after the restart stand for the new process', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    // The answer is there already when the restart is noticed.
    attempt(0).succeed(100)
    world.serving = second
    prover.consider()
    attempt(1).succeed(200)
    await settled()
    expect(attempts).toHaveLength(2)
    expect(prover.proof()?.provedAt).toBe(200)
    expect(readProof(recordPath, first)).toBeNull()
  })

  it('adopts the proof that an earlier core wrote down for these very processes', () => {
    writeProof(recordPath, first, { ...answer(50), checkedAt: 60 })
    const known = setUp(first)
    known.prover.consider()
    expect(known.attempts).toHaveLength(0)
    expect(known.prover.proof()).toEqual({ ...answer(50), checkedAt: 60 })
    const other = setUp(second)
    other.prover.consider()
    expect(other.attempts).toHaveLength(1)
  })

  it('keeps the reason of a failure and does not ask again by itself', async () => {
    const { prover, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).fail('the Router refuses our client key (401)')
    await settled()
    prover.consider()
    expect(prover.failure()).toBe('the Router refuses our client key (401)')
    expect(attempts).toHaveLength(1)
  })
})

describe('recheck', () => {
  it('checks a proved chain without the model, and says when', async () => {
    const { prover, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).succeed(100)
    await settled()
    const before = Date.now()
    expect(await prover.recheck()).toBeNull()
    expect(attempts).toHaveLength(1)
    expect(prover.proof()?.checkedAt).toBeGreaterThanOrEqual(before)
  })

  it('answers why the chain is broken, and leaves the time of the last good check', async () => {
    const { prover, world, attempt } = setUp(first)
    prover.consider()
    attempt(0).succeed(100)
    await settled()
    world.broken = { reason: 'the Router does not answer: connection refused', kind: 'unanswered' }
    for (let again = 0; again < 3; again += 1) expect(await prover.recheck()).toBe(world.broken)
    // Whether it lives is for its health to say.
    expect(prover.proof()?.checkedAt).toBeNull()
    expect(prover.failure()).toBeNull()
  })

  it('ends the proof when keys are refused twice in a row, and proves again once they are accepted', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).succeed(100)
    await settled()
    const refused: ChainFault = { reason: 'the Router refuses our client key (401)', kind: 'refused' }
    for (const broken of [refused, null, refused]) {
      world.broken = broken
      await prover.recheck()
    }
    expect(prover.proof()).not.toBeNull()
    world.broken = refused
    await prover.recheck()
    expect(prover.proof()).toBeNull()
    expect(prover.failure()).toBe('the Router refuses our client key (401)')
    expect(world.changes).toBe(2)
    world.broken = null
    await prover.recheck()
    attempt(1).succeed(300)
    await settled()
    expect(attempts).toHaveLength(2)
    expect(prover.failure()).toBeNull()
    expect(prover.proof()?.provedAt).toBe(300)
  })

  it('tries a failed message again, with the old reason until there is a new answer', async () => {
    const { prover, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).fail('no tokens')
    await settled()
    await prover.recheck()
    expect(attempts).toHaveLength(2)
    expect(prover.failure()).toBe('no tokens')
    await prover.recheck()
    expect(attempts).toHaveLength(2)
    attempt(1).succeed(300)
    await settled()
    expect(prover.failure()).toBeNull()
    expect(prover.proof()?.provedAt).toBe(300)
  })

  it('does not try the message again while the chain is broken', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).fail('no tokens')
    await settled()
    world.broken = { reason: 'the AI Engine does not answer', kind: 'unanswered' }
    await prover.recheck()
    expect(attempts).toHaveLength(1)
  })

  it('asks nothing when nothing serves', async () => {
    const { prover, world } = setUp(null)
    expect(await prover.recheck()).toBeNull()
    expect(world.checks).toBe(0)
  })

  it('does not begin a message for processes that went away during the check', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).fail('no tokens')
    await settled()
    const checking = prover.recheck()
    world.serving = null
    await checking
    expect(attempts).toHaveLength(1)
  })
})

describe('close', () => {
  it('calls the message off and begins no other', async () => {
    const { prover, world, attempts, attempt } = setUp(first)
    prover.consider()
    prover.close()
    expect(attempt(0).signal.aborted).toBe(true)
    await settled()
    prover.consider()
    await prover.recheck()
    expect(attempts).toHaveLength(1)
    expect(world.changes).toBe(0)
  })
})

describe('retry', () => {
  it('forgets a failure and asks again, and leaves a proof alone', async () => {
    const { prover, attempts, attempt } = setUp(first)
    prover.consider()
    attempt(0).fail('no answer')
    await settled()
    expect(prover.failure()).toBe('no answer')
    prover.retry()
    expect(prover.failure()).toBeNull()
    attempt(1).succeed(200)
    await settled()
    prover.retry()
    expect(attempts).toHaveLength(2)
    expect(prover.proof()).toMatchObject({ provedAt: 200 })
  })
})

// Tests the path from a client to the model step by step: the first failing step says what is wrong and what to do.
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { maskKey } from '../access/mask-key.ts'
import { firstOf } from '../base/first-of.ts'
import { judgeAddress, type ReachAddress, readAddress } from './reach-address.ts'
import {
  judgeKey,
  judgeModel,
  judgeName,
  judgeNoAnswer,
  judgeNoConnection,
  judgeNoName,
  judgeRouter,
  keyProblem,
} from './reach-judgement.ts'
import { askModel, askPlain } from './reach-request.ts'
import {
  blocked,
  codeOf,
  type ReachStep,
  type ReachStepId,
  type ReachVerdict,
  reached,
  reachStepIds,
} from './reach-step.ts'

export interface ReachOptions {
  readonly url: string
  readonly key: string
  readonly model: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly signal: AbortSignal
  /** Called as each step ends. */
  readonly onStep: (step: ReachStep) => void
  /** Limits for each short step and for the model; default 5 s and 5 minutes. */
  readonly timeouts?: { readonly stepMs: number; readonly modelMs: number }
}

export interface ReachReport {
  readonly url: string
  readonly works: boolean
  /** The failed step; null when it works. */
  readonly failed: ReachStepId | null
  /** True when no program listens there: not broken, just not running. */
  readonly refused: boolean
  readonly steps: readonly ReachStep[]
}

/** Five agents queueing for a slow model is not a failure. */
const defaultTimeouts = { stepMs: 5_000, modelMs: 300_000 }

/** Throws only when `signal` ends it. */
export const testReach = async (options: ReachOptions): Promise<ReachReport> => {
  const { url, key, onStep } = options
  const timeouts = options.timeouts ?? defaultTimeouts
  const steps: ReachStep[] = []
  let refused = false
  const within = (milliseconds: number): AbortSignal =>
    AbortSignal.any([options.signal, AbortSignal.timeout(milliseconds)])

  /** Returns whether to continue. */
  const step = async (
    id: ReachStepId,
    take: (startedAt: number) => Promise<ReachVerdict>,
  ): Promise<boolean> => {
    const startedAt = performance.now()
    const verdict = await take(startedAt)
    options.signal.throwIfAborted()
    const milliseconds = id === 'address' ? null : Math.round(performance.now() - startedAt)
    const taken: ReachStep = { id, ...verdict, milliseconds }
    steps.push(taken)
    onStep(taken)
    return verdict.level !== 'fail'
  }

  const walk = async (address: ReachAddress): Promise<void> => {
    const { baseUrl, host } = address
    if (!(await step('address', async () => judgeAddress(address, options.env)))) return
    const named = await step('name', async (startedAt) => {
      if (address.isAddress) return reached('an address, not a name')
      try {
        const found = await resolveName(host, within(timeouts.stepMs))
        return judgeName(address, found, performance.now() - startedAt)
      } catch (error) {
        return judgeNoName(address, error)
      }
    })
    if (!named) return
    const connected = await step('connection', async () => {
      try {
        const peer = await connectOnce(address, timeouts.stepMs, options.signal)
        return reached(`${peer} accepts connections on port ${address.port}`)
      } catch (error) {
        refused = codeOf(error) === 'ECONNREFUSED'
        return judgeNoConnection(address, error, options.platform)
      }
    })
    if (!connected) return
    const headers = { 'x-api-key': key }
    const answered = await step('router', () =>
      answerOf(address, async () =>
        judgeRouter(
          address,
          await askPlain({ url: `${baseUrl}/health/liveliness`, signal: within(timeouts.stepMs) }),
        ),
      ),
    )
    if (!answered) return
    const accepted = await step('key', () =>
      answerOf(address, async () => {
        const problem = keyProblem(key)
        if (problem !== null) return blocked(problem, 'Copy it again from nexus clients on the Studio.')
        const answer = await askPlain({
          url: `${baseUrl}/v1/models`,
          headers,
          signal: within(timeouts.stepMs),
        })
        return judgeKey(maskKey(key), answer)
      }),
    )
    if (!accepted) return
    await step('model', () =>
      answerOf(address, async () =>
        judgeModel(
          await askModel({ url: baseUrl, headers, model: options.model, signal: within(timeouts.modelMs) }),
        ),
      ),
    )
  }

  const reading = readAddress(url)
  if (reading.kind === 'wrong') await step('address', async () => reading.verdict)
  else await walk(reading.address)
  const failed = steps.find(({ level }) => level === 'fail')?.id ?? null
  const skipped = reachStepIds
    .filter((id) => steps.every((taken) => taken.id !== id))
    .map((id): ReachStep => ({ id, level: 'skipped', found: 'skipped', mend: null, milliseconds: null }))
  return { url, works: failed === null, failed, refused, steps: [...steps, ...skipped] }
}

const answerOf = async (address: ReachAddress, ask: () => Promise<ReachVerdict>): Promise<ReachVerdict> => {
  try {
    return await ask()
  } catch (error) {
    return judgeNoAnswer(address, error)
  }
}

/** A lookup cannot be cancelled, so abandon it. */
const resolveName = async (host: string, signal: AbortSignal): Promise<readonly string[]> => {
  const given = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const found = await firstOf([lookup(host, { all: true }), given])
  return found.map(({ address }) => address)
}

/** Like every client, tries a name's addresses in turn (net's autoSelectFamily). @returns the peer's address */
const connectOnce = ({ host, port }: ReachAddress, timeoutMs: number, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    const late = () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
    socket.setTimeout(timeoutMs, late)
    socket.once('connect', () => {
      resolve(socket.remoteAddress ?? host)
      socket.destroy()
    })
    socket.once('error', (error) => {
      // If several addresses failed, report the first one's error.
      reject(error instanceof AggregateError ? (error.errors[0] ?? error) : error)
    })
  })

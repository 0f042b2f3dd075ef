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

export type ReachReport = Awaited<ReturnType<typeof testReach>>

/** Five agents queueing for a slow model is not a failure. */
const defaultTimeouts = { stepMs: 5_000, modelMs: 300_000 }

/** Throws only when `signal` ends it. */
export const testReach = async (options: ReachOptions) => {
  const { url, signal, onStep } = options
  const reading = readAddress(url)
  const takes: Partial<Takes> =
    reading.kind === 'wrong' ? { address: async () => reading.verdict } : planSteps(reading.address, options)
  const steps: ReachStep[] = []
  let failed: ReachStepId | null = null
  /** No program listens there: not broken, just not running. */
  let refused = false
  for (const id of reachStepIds) {
    const take = failed === null ? takes[id] : undefined
    if (take === undefined) {
      steps.push({ id, level: 'skipped', found: 'skipped', mend: null, milliseconds: null })
      continue
    }
    const startedAt = performance.now()
    const { isRefused, ...verdict } = await take()
    signal.throwIfAborted()
    const milliseconds = id === 'address' ? null : Math.round(performance.now() - startedAt)
    const step: ReachStep = { id, ...verdict, milliseconds }
    steps.push(step)
    onStep(step)
    refused ||= isRefused === true
    if (verdict.level === 'fail') failed = id
  }
  return { url, works: failed === null, failed, refused, steps }
}

type Takes = Readonly<Record<ReachStepId, () => Promise<ReachVerdict & { readonly isRefused?: boolean }>>>

const planSteps = (
  address: ReachAddress,
  { key, model, env, platform, signal, timeouts = defaultTimeouts }: ReachOptions,
): Takes => {
  const { baseUrl: url, host, port } = address
  const headers = { 'x-api-key': key }
  const within = (milliseconds: number): AbortSignal =>
    AbortSignal.any([signal, AbortSignal.timeout(milliseconds)])
  const ask = (path: string, sent: Readonly<Record<string, string>>) =>
    askPlain({ url: `${url}${path}`, headers: sent, signal: within(timeouts.stepMs) })
  return {
    address: async () => judgeAddress(address, env),
    name: async () => {
      if (address.isAddress) return reached('an address, not a name')
      const startedAt = performance.now()
      try {
        const found = await resolveName(host, within(timeouts.stepMs))
        return judgeName(address, found, performance.now() - startedAt)
      } catch (error) {
        return judgeNoName(address, error)
      }
    },
    connection: async () => {
      try {
        const peer = await connectOnce(address, timeouts.stepMs, signal)
        return reached(`${peer} accepts connections on port ${port}`)
      } catch (error) {
        const isRefused = codeOf(error) === 'ECONNREFUSED'
        return { ...judgeNoConnection(address, error, platform), isRefused }
      }
    },
    router: () => answerOf(address, async () => judgeRouter(address, await ask('/health/liveliness', {}))),
    key: () =>
      answerOf(address, async () => {
        const problem = keyProblem(key)
        return problem === null
          ? judgeKey(maskKey(key), await ask('/v1/models', headers))
          : blocked(problem, 'Copy it again from nexus clients on the Studio.')
      }),
    model: () =>
      answerOf(address, async () =>
        judgeModel(await askModel({ url, headers, model, signal: within(timeouts.modelMs) })),
      ),
  }
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

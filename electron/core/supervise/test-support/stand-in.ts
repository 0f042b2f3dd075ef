// Starts the upstream stand-in for tests in its own process and controls how it misbehaves.
import { join } from 'node:path'
import { startTestChild } from '../../platform/test-support/child.ts'

export const standInProgram = join(import.meta.dirname, 'stand-in-server.mjs')

/** How one path answers from now on, or for the next `times` requests. */
export type Behaviour = { readonly times?: number } & (
  | { readonly behaviour: 'well' | 'hang' | 'half-then-hang' | 'half-then-cut' | 'half-then-die' | 'reset' }
  | { readonly behaviour: 'slow'; readonly ms: number }
  | { readonly behaviour: 'status'; readonly status: number; readonly text?: string }
  | { readonly behaviour: 'text'; readonly text: string }
  | { readonly behaviour: 'flood'; readonly bytes: number }
)

export interface StandInTruth {
  readonly slots?: readonly Readonly<Record<string, unknown>>[]
  /** Written verbatim: a string may hold anything. */
  readonly metrics?: Readonly<Record<string, number | string>>
}

export interface AskedCount {
  readonly times: number
  readonly open: number
  readonly mostAtOnce: number
  readonly bytesSent: number
}

export const behaveAt = (url: string, path: string, behaviour: Behaviour): Promise<unknown> =>
  order(url, '/stand-in/behave', { path, ...behaviour })

export const tellAt = (url: string, truth: StandInTruth): Promise<unknown> =>
  order(url, '/stand-in/set', truth)

/** Requests to this path since the stand-in started. */
export const readAsked = async (url: string, path: string): Promise<AskedCount> => {
  const counts = await order(url, '/stand-in/asked', {})
  return counts[path] ?? { times: 0, open: 0, mostAtOnce: 0, bytesSent: 0 }
}

const order = async (url: string, path: string, body: unknown): Promise<Record<string, AskedCount>> => {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`the stand-in answered ${response.status}: ${await response.text()}`)
  const counts: Record<string, AskedCount> = JSON.parse(await response.text())
  return counts
}

export interface StandIn {
  readonly url: string
  readonly pid: number
  behave(path: string, behaviour: Behaviour): Promise<unknown>
  tell(truth: StandInTruth): Promise<unknown>
  asked(path: string): Promise<AskedCount>
  end(): Promise<void>
}

export const startStandIn = async (...flags: readonly string[]): Promise<StandIn> => {
  const child = await startTestChild(process.execPath, [standInProgram, '--ready-line', ...flags])
  const url = `http://127.0.0.1:${child.firstLine}`
  return {
    url,
    pid: child.pid,
    behave: (path, behaviour) => behaveAt(url, path, behaviour),
    tell: (truth) => tellAt(url, truth),
    asked: (path) => readAsked(url, path),
    end: () => child.end(),
  }
}

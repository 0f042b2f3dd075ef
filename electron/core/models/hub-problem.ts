// Interprets the Hub's error answers and decides what to do. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { RefusedRedirect } from './hub-request.ts'

export type HubProblem =
  /** A temporary network or server problem, however long it lasts. `afterMs`: the server's Retry-After; null: none. */
  | { readonly kind: 'wait'; readonly reason: string; readonly afterMs: number | null }
  /** Retrying may help, but only a few times. */
  | { readonly kind: 'odd'; readonly reason: string }
  | { readonly kind: 'final'; readonly reason: string }

export const final = (reason: string): HubProblem => ({ kind: 'final', reason })
export const odd = (reason: string): Extract<HubProblem, { kind: 'odd' }> => ({ kind: 'odd', reason })
export const wait = (reason: string, afterMs: number | null = null): HubProblem => ({
  kind: 'wait',
  reason,
  afterMs,
})

export type HubOutcome<T> = { readonly kind: 'ok'; readonly value: T } | HubProblem

export interface ProblemAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly isElsewhere: boolean
}

export interface Asked {
  /** ORG/NAME */
  readonly repo: string
  /** What was requested, in words. */
  readonly what: string
  readonly endpoint: URL
  readonly hasToken: boolean
  /** Where a token can be stored permanently. */
  readonly tokenPath: string
}

/** An hour: longer than the Hub's five-minute windows, and short enough to notice when a server sends nonsense. */
const longestWaitMs = 3_600_000

/** For a status that isn't 200 or 206. `now`: ms since epoch. */
export const judgeStatus = (answer: ProblemAnswer, asked: Asked, now: number): HubProblem => {
  const { status, headers, isElsewhere } = answer
  if (status === 429)
    return wait('the Hub asks us to wait (429, too many requests)', readRetryAfterMs(headers, now))
  if (status >= 500 || status === 408)
    return wait(
      `${isElsewhere ? 'the storage' : asked.endpoint.host} answers ${status}`,
      readRetryAfterMs(headers, now),
    )
  // A signed link has expired (CloudFront and S3 answer 403); the Hub issues a new one.
  if (isElsewhere) return odd(`the storage answers ${status} instead of the file`)
  if (status === 416) return odd('the Hub says the file ends before our part of it (416)')
  return judgeRefusal(answer, asked)
}

/** Like huggingface_hub, uses X-Error-Code (utils/_http.py, hf_raise_for_status); mirrors may omit it. */
const judgeRefusal = ({ status, headers }: ProblemAnswer, asked: Asked): HubProblem => {
  const { repo, what, endpoint, hasToken, tokenPath } = asked
  const code = headers['x-error-code']
  const page = `${endpoint.href.replace(/\/$/, '')}/${repo}`
  const giveToken = `put a token into ${tokenPath} (mode 600) or HF_TOKEN and fetch again`
  if (code === 'GatedRepo')
    return final(
      hasToken
        ? `${repo} is gated, and the token's account has no access: request it at ${page}, then fetch again`
        : `${repo} is gated: request access at ${page}, create a token at ${endpoint.origin}/settings/tokens, then ${giveToken}`,
    )
  if (code === 'EntryNotFound') return final(`${repo} has no ${what}`)
  if (code === 'RevisionNotFound') return final(`${repo} no longer has this revision; fetch it again`)
  // The Hub also answers 401 for a repository that doesn't exist.
  if (code === 'RepoNotFound' || status === 404)
    return final(`there is no ${repo} at ${endpoint.host}, or it needs a token with access to it`)
  if (status === 401 || status === 403)
    return final(
      hasToken
        ? `${endpoint.host} refuses ${repo} (${status}): the token is wrong or has no access to it`
        : `${endpoint.host} refuses ${repo} (${status}) without a token: ${giveToken}`,
    )
  return odd(`${endpoint.host} answers ${status} for ${what}`)
}

/** For askHub's errors and interrupted bodies: a connection comes back. */
export const judgeLineError = (error: unknown): HubProblem => {
  if (error instanceof RefusedRedirect) return final(error.message)
  const isNameUnknown = isErrno(error, 'ENOTFOUND') || isErrno(error, 'EAI_AGAIN')
  const reason = isNameUnknown
    ? 'the Hub’s name could not be resolved; perhaps there is no network'
    : 'the connection was lost'
  return wait(`${reason} (${messageOf(error)})`)
}

/**
 * Retry-After in seconds or as a date (RFC 9110, 10.2.3), else the Hub's own `RateLimit: "resolvers";r=0;t=55`
 * (huggingface.co/docs/hub/rate-limits). null: neither is present. At most an hour.
 */
export const readRetryAfterMs = (headers: IncomingHttpHeaders, now: number): number | null => {
  const text = headers['retry-after']?.trim()
  const limit = headers['ratelimit']
  const reset = /;\s*t=(\d{1,9})\b/.exec(typeof limit === 'string' ? limit : '')?.[1]
  if (text === undefined || text === '') return reset === undefined ? null : bound(Number(reset) * 1000)
  if (/^\d{1,9}$/.test(text)) return bound(Number(text) * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : bound(date - now)
}

const bound = (ms: number): number => Math.min(Math.max(ms, 0), longestWaitMs)

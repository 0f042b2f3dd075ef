// What the supervisor needs to know about a service that is one child process, and what such services share.
import type { SupervisedId } from '../../contract/service-ids.ts'

/** Everything needed to start one process, without a shell. */
export interface LaunchSpec {
  readonly argv: readonly [string, ...string[]]
  /** The child's whole environment; it inherits nothing from ours. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export type ProbeResult =
  | { readonly state: 'ready' }
  /** Alive, and reports that it is not ready yet. */
  | { readonly state: 'loading'; readonly detail: string }
  /** No answer, or a wrong one. */
  | { readonly state: 'unreachable'; readonly detail: string }

export interface ProcessExit {
  /** null when a signal ended it or it is unknown: only a parent gets the exit status. */
  readonly exitCode: number | null
  readonly signal: string | null
}

export interface ExitReport extends ProcessExit {
  /** The last log lines of this run, oldest first. */
  readonly logTail: readonly string[]
}

export interface ExitExplanation {
  /** One plain sentence that quotes the log line with the cause, if there is one. */
  readonly reason: string
  /** True when a retry cannot help (a missing model file, a bad flag): the supervisor does not restart it. */
  readonly permanent: boolean
}

export interface ChildService {
  readonly id: SupervisedId
  readonly port: number
  readonly endpoint: string
  /** Checks inputs and writes the files that the child reads. Throws an Error whose message is shown to the user. */
  prepare(): Promise<LaunchSpec>
  probe(signal: AbortSignal): Promise<ProbeResult>
  explainExit(report: ExitReport): ExitExplanation
}

/**
 * Whether this run of a service was ever ready: failures mean different things before and after, and the tail of a long log
 * doesn't show which.
 */
export const rememberReady = (probe: (signal: AbortSignal) => Promise<ProbeResult>) => {
  let seen = false
  return {
    /** Remembers a ready answer. */
    probe: async (signal: AbortSignal) => {
      const result = await probe(signal)
      if (result.state === 'ready') seen = true
      return result
    },
    current: () => seen,
    /** Call before each start. */
    forget: () => {
      seen = false
    },
  }
}

/** These come from another process. */
export const outsideSignals: ReadonlySet<string> = new Set([
  'SIGKILL',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
])

export const explainSignal = (name: string, signal: string): ExitExplanation => {
  const how =
    signal === 'SIGKILL'
      ? 'was killed (SIGKILL) by a user, or by the system because memory ran out'
      : outsideSignals.has(signal)
        ? `was ended by ${signal}, which Nexus did not send`
        : `crashed (${signal})`
  return { reason: `${name} ${how}`, permanent: false }
}

/** Those of these variables that are set. */
export const pickVariables = (
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )

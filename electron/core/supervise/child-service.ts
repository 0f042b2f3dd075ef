// What the supervisor must know of a service that is one child process.
import type { SupervisedId } from '../../contract/service-ids.ts'

/** Everything needed to start one process. No shell is ever involved. */
export interface LaunchSpec {
  readonly argv: readonly [string, ...string[]]
  /** The child's whole environment: nothing of ours leaks in. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export type ProbeResult =
  | { readonly state: 'ready' }
  /** Alive and says itself that it is not ready yet. */
  | { readonly state: 'loading'; readonly detail: string }
  /** Did not answer as it should. */
  | { readonly state: 'unreachable'; readonly detail: string }

export interface ExitReport {
  /** Exit status, or null when a signal ended it (or nobody could learn it: an adopted process). */
  readonly exitCode: number | null
  readonly signal: string | null
  /** The last lines of its log, oldest first, without those of earlier runs. */
  readonly logTail: readonly string[]
}

export interface ExitExplanation {
  /** One sentence in plain words that quotes the log line that says why, when there is one. */
  readonly reason: string
  /** True when another try cannot help (a missing model file, a bad flag): the supervisor does not restart. */
  readonly permanent: boolean
}

export interface ChildService {
  readonly id: SupervisedId
  readonly port: number
  readonly endpoint: string
  /** Checks inputs and writes the files the child reads. Throws an Error whose message is the reason to show. */
  prepare(): Promise<LaunchSpec>
  probe(signal: AbortSignal): Promise<ProbeResult>
  explainExit(report: ExitReport): ExitExplanation
}

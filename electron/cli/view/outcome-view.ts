// What `nexus up` ends with: the proof and what a client needs, or the reason and the one command to run next. No I/O.

import { type CommandedId, commandedIds, serviceNames } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { shellSnippet } from '../../core/clients/shell-snippets.ts'
import { formatMilliseconds, plural } from '../../wording/figures.ts'
import { finishLines, formatSeconds, type ProgressOptions, type StageTime } from './progress-view.ts'
import { findMendingCommand } from './state-summary.ts'
import { padEnd, piece, type TextLine, wrap } from './text-line.ts'

export interface ReadyReport {
  readonly snapshot: Snapshot
  readonly elapsedMs: number
  readonly stages: readonly StageTime[]
  /** What clients set: the Router's address and the key. */
  readonly baseUrl: string
  /** null when every developer's key was revoked. */
  readonly apiKey: string | null
  /** What stands in the way of clients; null when nothing does. */
  readonly note: string | null
}

/** To another user's stack belong keys that are not the guest's to see. */
export const renderGuestReady = (
  { services }: Snapshot,
  { user, only }: { readonly user: string; readonly only: CommandedId | null },
): readonly string[] =>
  only === null
    ? [
        `Ready: ${user}'s stack answers at ${services.proxy.endpoint ?? 'an address that is not known'}.`,
        `Your key for it: ask ${user}, for whom nexus clients prints it. Live: nexus status --watch`,
      ]
    : [`Ready: ${services[only].endpoint ?? only} of ${user}'s stack`]

/** Why the name of the gateway does not work although the Router answers; null when it does, or there is none. */
export const describeGateway = ({ services: { gateway } }: Snapshot): string | null => {
  if (gateway === undefined || gateway.phase === 'ready') return null
  const words = gateway.reason ?? gateway.waitingFor
  const state = gateway.phase === 'failed' ? 'failed' : `is ${gateway.phase}`
  return `The ${serviceNames.gateway} ${state}${words === null ? '' : `: ${words}`}. Clients reach the Router at its own address.`
}

export const renderReady = (report: ReadyReport, options: ProgressOptions): readonly string[] => {
  const { snapshot, elapsedMs, stages, baseUrl, apiKey } = report
  const { proof } = snapshot
  const gateway = describeGateway(snapshot)
  const proved =
    proof === null
      ? 'No Claude request has been proved.'
      : `A Claude request went through the Router to the model and came back (${plural(proof.outputTokens, 'token')}).`
  const nameWidth = Math.max(0, ...stages.map((stage) => stage.name.length)) + 2
  return [
    ...finishLines(
      wrap(`Ready in ${formatSeconds(elapsedMs)}. ${proved}`, options.width, 4).map((line) => [
        piece(line, 'good'),
      ]),
      options,
    ),
    ...finishLines(
      stages.map(({ name, milliseconds }) => [
        piece(`  ${padEnd(name, nameWidth)}`),
        piece(formatMilliseconds(milliseconds).padStart(8), 'dim'),
      ]),
      options,
    ),
    '',
    ...(gateway === null
      ? []
      : finishLines(
          wrap(gateway, options.width, 6).map((line) => [piece(line, 'warn')]),
          options,
        )),
    ...(report.note === null
      ? []
      : finishLines(
          wrap(`Note: ${report.note}.`, options.width, 4).map((line) => [piece(line, 'dim')]),
          options,
        )),
    ...finishLines(
      [
        [
          piece('Live: '),
          piece('nexus status --watch', 'strong'),
          piece('. Next, paste these two lines where Claude Code runs:'),
        ],
      ],
      options,
    ),
    '',
    // Last, for pasting, and never cut: these lines may be wider than the terminal.
    ...(apiKey === null
      ? ['Nobody has a key: nexus key create NAME']
      : shellSnippet('bash', baseUrl, apiKey).split('\n')),
  ]
}

export interface FailureReport {
  readonly snapshot: Snapshot
  /** The last lines of the failed service's log, oldest first; empty when it has none. */
  readonly logTail: readonly string[]
  /** When it is known better than the snapshot tells. */
  readonly command: string | null
}

const logLines = 8

/** The service that failed, and why; the proof when all services run but no answer came. */
export const findFailure = (
  snapshot: Snapshot,
): { readonly id: CommandedId | null; readonly reason: string } => {
  const bad = (['failed', 'degraded'] as const).flatMap((phase) =>
    commandedIds.filter((id) => snapshot.services[id].phase === phase),
  )
  const id = bad[0]
  if (id !== undefined) return { id, reason: snapshot.services[id].reason ?? 'it gave no reason' }
  const foreign = commandedIds.find((each) => snapshot.services[each].foreign !== null)
  if (foreign !== undefined)
    return { id: foreign, reason: 'its port is held by a process that Nexus did not start' }
  return { id: null, reason: snapshot.proofFailure ?? 'it stopped before it was ready' }
}

export const renderFailure = (report: FailureReport, options: ProgressOptions): readonly string[] => {
  const { snapshot, logTail } = report
  const { id, reason } = findFailure(snapshot)
  const name = id === null ? 'The stack' : serviceNames[id]
  const mending = id === null ? null : findMendingCommand(id, snapshot.services[id])
  const tail = logTail.slice(-logLines)
  return finishLines(
    [
      ...wrap(`${name} is not ready: ${reason}`, options.width, 5).map(
        (line): TextLine => [piece(line, 'bad')],
      ),
      ...(tail.length === 0 ? [] : [[piece('Its log ends with:', 'dim')]]),
      ...tail.map((line): TextLine => [piece('  │ ', 'dim'), piece(line)]),
      [piece('Next: '), piece(report.command ?? mending ?? 'nexus doctor', 'strong')],
    ],
    options,
  )
}

// The end of `nexus up`: the proof and the client settings, or the reason and the next command. No I/O.

import { type CommandedId, commandedIds, serviceNames } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { shellSnippet } from '../../core/clients/shell-snippets.ts'
import { formatMilliseconds, formatSeconds, plural } from '../../wording/figures.ts'
import type { StageTime } from './progress-view.ts'
import { findMendingCommand } from './service-rows.ts'
import { finishLines, hang, padEnd, piece, type TextLine, type ViewOptions } from './text-line.ts'

export interface ReadyReport {
  readonly snapshot: Snapshot
  readonly elapsedMs: number
  readonly stages: readonly StageTime[]
  /** The Router's address, for clients. */
  readonly baseUrl: string
  /** A developer's key; null when all were revoked. */
  readonly apiKey: string | null
  /** What may stop clients; null: nothing. */
  readonly note: string | null
}

/** A guest may not see the keys of another user's stack. */
export const renderGuestReady = (
  { services }: Snapshot,
  { user, only }: { readonly user: string; readonly only: CommandedId | null },
): readonly string[] =>
  only === null
    ? [
        `Ready: ${user}'s stack answers at ${services.proxy.endpoint ?? 'an address that is not known'}.`,
        `Ask ${user} for your key, which nexus clients prints for ${user}. Live: nexus status --watch`,
      ]
    : [`Ready: ${services[only].endpoint ?? only} of ${user}'s stack`]

/** Why the gateway's name does not work although the Router answers; null when it works, or there is no gateway. */
export const describeGateway = ({ services: { gateway } }: Snapshot): string | null => {
  if (gateway === undefined || gateway.phase === 'ready') return null
  const words = gateway.reason ?? gateway.waitingFor
  const state = gateway.phase === 'failed' ? 'failed' : `is ${gateway.phase}`
  return `The ${serviceNames.gateway} ${state}${words === null ? '' : `: ${words}`}. Clients reach the Router at its own address.`
}

export const renderReady = (report: ReadyReport, options: ViewOptions): readonly string[] => {
  const { snapshot, elapsedMs, stages, baseUrl, apiKey } = report
  const { proof } = snapshot
  const gateway = describeGateway(snapshot)
  const proved =
    proof === null
      ? 'No Claude request has been answered yet.'
      : `A Claude request went through the Router to the model and came back (${plural(proof.outputTokens, 'token')}).`
  const { width } = options
  const nameWidth = Math.max(0, ...stages.map((stage) => stage.name.length)) + 2
  const lines: readonly TextLine[] = [
    ...hang([], `Ready in ${formatSeconds(elapsedMs)}. ${proved}`, width, { tone: 'good' }),
    ...stages.map(({ name, milliseconds }) => [
      piece(`  ${padEnd(name, nameWidth)}`),
      piece(formatMilliseconds(milliseconds).padStart(8), 'dim'),
    ]),
    [],
    ...(gateway === null ? [] : hang([], gateway, width, { tone: 'warn' })),
    ...(report.note === null ? [] : hang([], `Note: ${report.note}.`, width, { tone: 'dim' })),
    [
      piece('Live: '),
      piece('nexus status --watch', 'strong'),
      piece('. Next, paste these two lines where Claude Code runs:'),
    ],
  ]
  return [
    ...finishLines(lines, options),
    '',
    // Last, for pasting, and never cut, even if wider than the terminal.
    ...(apiKey === null
      ? ['No developer has a key: nexus key create NAME']
      : shellSnippet('bash', baseUrl, apiKey).split('\n')),
  ]
}

export interface FailureReport {
  readonly snapshot: Snapshot
  /** The last lines of the failed service's log, oldest first; empty when it has none. */
  readonly logTail: readonly string[]
}

const logLines = 8

/** The failed service and the reason; null and the proof's failure when all services run but no answer came. */
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

export const renderFailure = (report: FailureReport, options: ViewOptions): readonly string[] => {
  const { snapshot, logTail } = report
  const { id, reason } = findFailure(snapshot)
  const name = id === null ? 'The stack' : serviceNames[id]
  const mending = id === null ? null : findMendingCommand(id, snapshot.services[id])
  const tail = logTail.slice(-logLines)
  return finishLines(
    [
      ...hang([], `${name} is not ready: ${reason}`, options.width, { tone: 'bad' }),
      ...(tail.length === 0 ? [] : [[piece('Its log ends with:', 'dim')]]),
      ...tail.map((line): TextLine => [piece('  │ ', 'dim'), piece(line)]),
      [piece('Next: '), piece(mending ?? 'nexus doctor', 'strong')],
    ],
    options,
  )
}

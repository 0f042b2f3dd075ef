// The progress of `nexus up`: each service, its phase, what it waits for and how long. No I/O.

import { type ServiceId, serviceNames } from '../../contract/service-ids.ts'
import { presentServices } from '../../contract/services.ts'
import type { Phase, ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { formatSeconds } from '../../wording/figures.ts'
import { renderPhase } from './service-rows.ts'
import {
  finishLines,
  justify,
  type Piece,
  padEnd,
  piece,
  type TextLine,
  type ViewOptions,
} from './text-line.ts'

export interface StageTime {
  readonly name: string
  readonly milliseconds: number
}

export type ProgressTracker = ReturnType<typeof createProgressTracker>

const isUp = (phase: Phase): boolean => phase === 'ready' || phase === 'degraded'

const describeTransition = (
  id: ServiceId,
  { phase, reason, waitingFor, adopted }: ServiceState,
  elapsedMs: number,
): string => {
  const words = reason ?? waitingFor ?? (phase === 'ready' && adopted ? 'was running already' : null)
  const text = `${formatSeconds(elapsedMs).padStart(8)}  ${serviceNames[id]}: ${phase}${words === null ? '' : `, ${words}`}`
  return piece(text).text
}

const renderServiceLine = (
  id: ServiceId,
  { phase, waitingFor, reason }: ServiceState,
  elapsedMs: number,
  width: number,
): TextLine => {
  const [sign, word] = renderPhase(phase)
  const words = piece(reason ?? waitingFor ?? '', phase === 'failed' ? 'bad' : 'plain')
  return justify(
    [sign, piece(padEnd(serviceNames[id], 13)), word, piece(' '), words],
    [piece(formatSeconds(elapsedMs), 'dim')],
    width,
  )
}

const renderProofLine = (snapshot: Snapshot, elapsedMs: number, width: number): TextLine => {
  const serving = isUp(snapshot.services.llamaServer.phase) && isUp(snapshot.services.proxy.phase)
  const failure = snapshot.proofFailure
  const [sign, words]: readonly [Piece, Piece] =
    snapshot.proof !== null
      ? [piece('● ', 'good'), piece('answered')]
      : failure !== null
        ? [piece('✕ ', 'bad'), piece(failure, 'bad')]
        : serving
          ? [piece('◌ ', 'busy'), piece('waiting for the model’s first answer')]
          : [piece('○ ', 'dim'), piece('when both servers are ready', 'dim')]
  const time = snapshot.proof === null && serving ? [piece(formatSeconds(elapsedMs), 'dim')] : []
  return justify([sign, piece(padEnd('Claude request', 16)), words], time, width)
}

export const createProgressTracker = (startedAt: number, options: ViewOptions) => {
  const readyAt = new Map<ServiceId, number>()
  const changed = new Map<ServiceId, string>()
  let last: Snapshot | null = null

  return {
    /** Takes the next snapshot; returns one line for each transition since the last one (for output off a terminal). */
    add(snapshot: Snapshot, now: number): readonly string[] {
      last = snapshot
      const lines: string[] = []
      for (const { id, state } of presentServices(snapshot)) {
        const { phase, waitingFor, reason } = state
        if (isUp(phase) && !readyAt.has(id)) readyAt.set(id, now)
        if (!isUp(phase)) readyAt.delete(id)
        // A changed counter is progress, not a transition.
        const key = `${phase} ${reason ?? waitingFor ?? ''}`.replaceAll(/\d+/g, '')
        const isNews = changed.get(id) !== key && !(phase === 'stopped' && !changed.has(id))
        if (isNews) lines.push(describeTransition(id, state, now - startedAt))
        changed.set(id, key)
      }
      return lines
    },
    /** When each service became ready, after the start, in order, and the proof last. */
    stageTimes(): readonly StageTime[] {
      const services = [...readyAt].map(([id, at]) => ({
        name: serviceNames[id],
        milliseconds: at - startedAt,
      }))
      const inOrder = services.toSorted((a, b) => a.milliseconds - b.milliseconds)
      const proof = last?.proof ?? null
      return proof === null
        ? inOrder
        : [...inOrder, { name: 'Claude request', milliseconds: proof.milliseconds }]
    },
    /** Lines to redraw in place on a terminal. */
    render(now: number): readonly string[] {
      if (last === null) return []
      const { width } = options
      const services = presentServices(last).map(({ id, state }) =>
        renderServiceLine(id, state, (readyAt.get(id) ?? now) - startedAt, width),
      )
      const latest = Math.max(startedAt, ...readyAt.values())
      return finishLines([...services, renderProofLine(last, now - latest, width)], options)
    },
  }
}

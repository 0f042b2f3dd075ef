// The words of a slot's card. Pure.
import type { RouterRequest, Slot, Snapshot } from '../electron/contract/snapshot.ts'
import {
  formatContext,
  formatPercent,
  formatRate,
  formatRoughDuration,
  foundInSlot,
  plural,
  unknown,
} from '../electron/wording/figures.ts'
import { countWaiting, measureRoom } from '../electron/wording/room.ts'

export interface SlotWords {
  readonly phase: Slot['phase'] | 'taken'
  readonly name: string
  readonly figure: string
  readonly unit: string
  readonly detail: string
  /** The conversation's short id; '' if not certain. */
  readonly conversation: string
  /** The share of the prompt that was in the cache; '' for an idle slot. */
  readonly found: string
  /** 0 to 1 of the prompt during prefill, else of the context; null: unknown. */
  readonly share: number | null
  /** The whole card as a sentence, for screen readers. */
  readonly spoken: string
}

const readFill = (slot: Slot): number | null =>
  slot.contextTokens === null ? null : Math.min(1, slot.contextTokens / Math.max(1, slot.contextLimit))

const describeFill = ({ contextTokens, contextLimit }: Slot): string =>
  contextTokens === null ? '' : `${formatContext(contextTokens)} of ${formatContext(contextLimit)}`

const say = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(', ')

const sayConversation = ({ conversation }: Pick<SlotWords, 'conversation'>): string =>
  conversation === '' ? '' : `conversation ${conversation}`

/** `isTaken`: the Router has let a request through to it that llama-server doesn't show yet. */
export const describeSlot = (slot: Slot, isTaken = false): SlotWords => {
  const who = slot.developer ?? `Slot ${slot.id}`
  const holds = slot.held?.named === true ? slot.held : null
  const base = { phase: slot.phase, name: who, conversation: holds?.conversation ?? '', found: '' }
  switch (slot.phase) {
    case 'idle': {
      const free = { ...base, figure: 'free', unit: '', detail: '', share: null }
      if (isTaken) {
        const spoken = `Slot ${slot.id}: taken, its request is about to be read`
        return { ...free, phase: 'taken', figure: 'taken', name: `Slot ${slot.id}`, conversation: '', spoken }
      }
      const cached = slot.contextTokens === null || slot.contextTokens === 0 ? null : slot.contextTokens
      const detail = cached === null ? '' : `${formatContext(cached)} cached`
      const holding = holds === null ? '' : `holds ${holds.developer}'s conversation ${holds.conversation}`
      const spoken = say(`Slot ${slot.id}: free`, holding, detail)
      const name = holds?.developer ?? `Slot ${slot.id}`
      return { ...free, name, detail, spoken }
    }
    case 'prefill': {
      const progress = slot.prefillProgress === null ? null : formatPercent(slot.prefillProgress)
      const tokens = slot.promptTokens ?? slot.contextTokens
      const detail = tokens === null ? 'prefill' : `prefill ${formatContext(tokens)}`
      return {
        ...base,
        found: `${unknown} hit`,
        figure: progress === null ? unknown : progress.replace(' %', ''),
        unit: '%',
        detail,
        share: slot.prefillProgress,
        spoken: say(`${who}: prefill${progress === null ? '' : ` ${progress}`}`, sayConversation(base)),
      }
    }
    case 'generating': {
      const rate = formatRate(slot.tokensPerSecond)
      const speed = slot.tokensPerSecond === null ? '' : ` ${rate} tokens per second`
      const fill = describeFill(slot)
      const found = formatPercent(foundInSlot(slot))
      return {
        ...base,
        found: `${found} hit`,
        figure: rate,
        unit: 't/s',
        detail: fill,
        share: readFill(slot),
        spoken: say(
          `${who}: generating${speed}`,
          fill === '' ? '' : `context ${fill}`,
          found === unknown ? '' : `${found} of the prompt found in the cache`,
          sayConversation(base),
        ),
      }
    }
  }
}

const isIdle = ({ phase }: Slot): boolean => phase === 'idle'

/**
 * Slots that llama-server still reports as idle although the Router has let requests through to them, so that the cards
 * agree with the headline. Which ones is still open; taking the lowest ids keeps the choice stable.
 */
export const listTaken = (snapshot: Snapshot): readonly number[] => {
  const room = measureRoom(snapshot)
  if (room === null) return []
  const idleHere = (snapshot.slots ?? []).filter(isIdle).map(({ id }) => id)
  const elsewhere = snapshot.nodes.flatMap((node) =>
    node.phase === 'unreachable' || node.slots === null ? [] : node.slots,
  )
  const idleElsewhere = elsewhere.filter(isIdle).length
  const served = (snapshot.requests ?? []).filter(({ phase, node }) => phase !== 'waiting' && node !== null)
  const takenElsewhere = Math.max(0, served.length - (elsewhere.length - idleElsewhere))
  const taken = idleHere.length + idleElsewhere - room.free - Math.min(idleElsewhere, takenElsewhere)
  return idleHere.sort((a, b) => a - b).slice(0, Math.max(0, taken))
}

const byArrival = (a: RouterRequest, b: RouterRequest) => a.startedAt - b.startedAt

/** null when no request waits, or unknown. */
export const describeWaiting = (snapshot: Snapshot) => {
  const count = countWaiting(snapshot)
  if (count === null || count === 0) return null
  const waiting = (snapshot.requests ?? []).filter(({ phase }) => phase === 'waiting').sort(byArrival)
  const first = waiting[0]
  // The Router's time stamp may be a little ahead of the reading.
  const seconds = first === undefined ? null : Math.max(0, (snapshot.takenAt - first.startedAt) / 1000)
  return {
    count: `${plural(count, 'agent')} waiting`,
    /** How long the oldest request has waited; '' when the Router does not report it. */
    longest: seconds === null ? '' : `longest ${formatRoughDuration(seconds)}`,
    names: [...new Set(waiting.map(({ developer }) => developer))].join(', '),
  }
}

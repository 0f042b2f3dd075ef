// The slots in the status view: who is served, progress, fill, and who waits; and the same in a sentence before a stop.
import type { DeveloperUse, RouterRequest, Slot, Snapshot } from '../../contract/snapshot.ts'
import {
  formatContext,
  formatCount,
  formatPercent,
  formatRate,
  foundInSlot,
  foundShare,
  plural,
} from '../../wording/figures.ts'
import { countWaiting, measureWork } from '../../wording/room.ts'
import { bar, justify, padEnd, padStart, piece, readWidth, type TextLine, truncate } from './text-line.ts'

const mostRows = 8
const mostNameColumns = 12

/** `share`, 0 to 1: the part of the prompt that was read, or of the context that is used. */
const describeSlot = (slot: Slot) => {
  const { contextTokens, contextLimit, prefillProgress } = slot
  const fill = `${formatContext(contextTokens)} / ${formatContext(contextLimit)}`
  switch (slot.phase) {
    case 'idle': {
      const cached =
        contextTokens === null || contextTokens === 0 ? '' : `${formatContext(contextTokens)} cached`
      return { phase: 'free', tone: 'dim' as const, share: 0, fill: cached, pace: '' }
    }
    case 'prefill': {
      const pace = `${formatPercent(prefillProgress)} read`
      return { phase: 'prefill', tone: 'warn' as const, share: prefillProgress, fill, pace }
    }
    case 'generating': {
      const share = contextTokens === null ? null : contextTokens / Math.max(1, contextLimit)
      return {
        phase: 'generating',
        tone: 'busy' as const,
        share,
        fill,
        pace: `${formatRate(slot.tokensPerSecond)} t/s`,
      }
    }
  }
}

/** The conversation that the slot holds, if certain. */
const certainHolder = ({ held }: Slot) => (held?.named === true ? held : null)

const nameOf = (slot: Slot): string => slot.developer ?? certainHolder(slot)?.developer ?? ''

/** "94 % hit": the share of the current prompt that was in the cache. */
const formatFound = (slot: Slot): string =>
  slot.phase === 'idle' ? '' : `${formatPercent(slot.phase === 'generating' ? foundInSlot(slot) : null)} hit`

interface Columns {
  /** For the developer who is served or whose conversation is held; 0 when none is known, or there is no room. */
  readonly name: number
  readonly conversation: number
  readonly found: number
}

const renderSlot = (slot: Slot, width: number, columns: Columns): TextLine => {
  const { phase, tone, share, fill, pace } = describeSlot(slot)
  const isIdle = slot.phase === 'idle'
  const found = padStart(columns.found === 0 ? '' : formatFound(slot), columns.found)
  const isWide = width >= 100 + columns.found
  const more = slot.phase === 'generating' ? `${formatContext(slot.generatedTokens)} new` : ''
  const drafting = slot.phase === 'generating' && slot.speculative === true ? 'drafting' : ''
  const extras = isWide ? padStart(more, 11) + padStart(drafting, 11) : ''
  // id 4, phase 12, fill 14, pace 11.
  const taken = 4 + 12 + columns.name + columns.conversation + 14 + 11 + columns.found + extras.length
  const name = columns.name === 0 ? '' : padEnd(truncate(nameOf(slot), columns.name - 1), columns.name)
  return [
    piece(`${padStart(String(slot.id), 3)} `),
    piece(padEnd(phase, 12), tone),
    piece(name, isIdle ? 'dim' : 'strong'),
    piece(padEnd(certainHolder(slot)?.conversation ?? '', columns.conversation), 'dim'),
    ...bar(share, Math.max(6, width - taken), tone),
    piece(padStart(fill, 14), isIdle ? 'dim' : 'plain'),
    piece(padStart(pace, 11), isIdle ? 'dim' : 'strong'),
    piece(found + extras, 'dim'),
  ]
}

/** Requests counted by developer, in the order of their first request: "anna 2", or "ben" when it is one. */
const countByDeveloper = (requests: readonly RouterRequest[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const { developer } of requests) counts.set(developer, (counts.get(developer) ?? 0) + 1)
  return [...counts].map(([developer, count]) => (count === 1 ? developer : `${developer} ${count}`))
}

/** Waiting requests, by developer if the Router knows: "2 requests waiting for a slot: anna 2". */
const renderQueue = (snapshot: Snapshot): TextLine => {
  const waiting = countWaiting(snapshot)
  if (waiting === null) return [piece('    queue not known', 'dim')]
  if (waiting === 0) return [piece('    no request waits', 'dim')]
  const names = countByDeveloper((snapshot.requests ?? []).filter(({ phase }) => phase === 'waiting'))
  const whose = names.length === 0 ? '' : `: ${names.join(', ')}`
  return [piece(`    ${plural(waiting, 'request')} waiting for a slot${whose}`, 'warn')]
}

/** Today's use, one line per developer: "anna 12 requests, 84k in (94 % found in the cache), 9k out". */
const renderDevelopers = (developers: Snapshot['developers']): readonly TextLine[] => {
  const each = (developers ?? [])
    .filter(({ requests }) => requests > 0)
    .map(
      (use) =>
        `${use.developer} ${plural(use.requests, 'request')}${use.failed === 0 ? '' : ` (${use.failed} failed)`}, ${formatCount(use.promptTokens)} in${sayFound(use)}, ${formatCount(use.outputTokens)} out`,
    )
  return each.map((line, index) => [piece(`    ${index === 0 ? 'today: ' : '       '}${line}`, 'dim')])
}

/** Over the prompts whose answers reported it; a dash if none did. An older Router never reports it. */
const sayFound = ({ cachedTokens, readTokens }: DeveloperUse): string =>
  cachedTokens === undefined
    ? ''
    : ` (${formatPercent(foundShare(cachedTokens, readTokens))} found in the cache)`

export const renderSlots = (snapshot: Snapshot, width: number): readonly TextLine[] => {
  const { slots } = snapshot
  if (slots === null) return [[piece('Slots  ', 'strong'), piece('not known', 'dim')]]
  const limit = slots.reduce((most, slot) => Math.max(most, slot.contextLimit), 0)
  // With too many slots to show, busy ones come first, so that only free ones are hidden.
  const ordered =
    slots.length <= mostRows
      ? slots
      : slots.toSorted((a, b) => Number(a.phase === 'idle') - Number(b.phase === 'idle') || a.id - b.id)
  const [rows, hidden] = [ordered.slice(0, mostRows), ordered.slice(mostRows)]
  const free = hidden.filter((slot) => slot.phase === 'idle').length
  const longest = rows.reduce((most, slot) => Math.max(most, readWidth(nameOf(slot))), 0)
  const isHeld = rows.some((slot) => certainHolder(slot) !== null)
  const columns = {
    name: longest === 0 || width < 60 ? 0 : Math.min(longest, mostNameColumns) + 1,
    conversation: isHeld && width >= 72 ? 5 : 0,
    found: isHeld && width >= 84 ? 10 : 0,
  }
  const title = `Agents on ${plural(slots.length, 'slot')}`
  return [
    justify([piece(title, 'strong')], [piece(`up to ${formatContext(limit)} context each`, 'dim')], width),
    ...rows.map((slot) => renderSlot(slot, width, columns)),
    ...(hidden.length === 0 ? [] : [[piece(`    and ${hidden.length} more, ${free} of them free`, 'dim')]]),
    renderQueue(snapshot),
    ...renderDevelopers(snapshot.developers),
  ]
}

/**
 * The requests that a stop waits for; null: none. A slot has no name when the Router's requests don't identify it for certain.
 * @param hurried the command that does not wait
 */
export const describeBusy = (snapshot: Snapshot, hurried: string): string | null => {
  const work = measureWork(snapshot)
  if (work.kind === 'none') return null
  if (work.kind === 'unknown') return `Running requests get some time to finish; ${hurried} does not wait.`
  const busy = (snapshot.slots ?? []).filter((slot) => slot.phase !== 'idle')
  const each = busy.map(({ id, developer, phase, generatedTokens }) => {
    const whose = `slot ${id}${developer === null ? '' : ` (${developer})`}`
    return phase === 'prefill'
      ? `${whose} reads its prompt`
      : `${whose} has written ${generatedTokens ?? 'some'} tokens`
  })
  // The Router knows the developer of a request before its slot does.
  const unnamed = busy.length < work.busy || busy.some(({ developer }) => developer === null)
  const served = (snapshot.requests ?? []).filter(({ phase }) => phase !== 'waiting')
  const names = unnamed && served.length > 0 ? ` for ${countByDeveloper(served).join(', ')}` : ''
  const { waiting } = work
  const queue = waiting === 0 ? '' : `, and ${waiting} more ${waiting === 1 ? 'waits' : 'wait'}`
  const doing = each.length === 0 ? '' : `: ${each.join(', ')}`
  return `${work.busy} busy${names}${doing}${queue}. They may finish; ${hurried} does not wait.`
}

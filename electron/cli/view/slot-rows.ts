// The slots part of the status view: who works, how far, how full, and who waits.
import type { Slot, Snapshot } from '../../contract/snapshot.ts'
import {
  formatContext,
  formatCount,
  formatPercent,
  formatRate,
  plural,
  unknown,
} from '../../wording/figures.ts'
import { countWaiting } from '../../wording/waiting.ts'
import { countByDeveloper } from './developer-names.ts'
import { bar, justify, padEnd, padStart, piece, readWidth, type TextLine, truncate } from './text-line.ts'

const mostRows = 8
const mostNameColumns = 12
const phaseWords = { idle: 'free', prefill: 'prefill', generating: 'generating' } as const

const formatFill = (slot: Slot): string => {
  const tokens = slot.contextTokens
  if (slot.phase === 'idle') return tokens === null || tokens === 0 ? '' : `${formatContext(tokens)} cached`
  return `${formatContext(tokens)} / ${formatContext(slot.contextLimit)}`
}

const readShare = (slot: Slot): number | null => {
  switch (slot.phase) {
    case 'idle':
      return 0
    case 'prefill':
      return slot.prefillProgress
    case 'generating':
      return slot.contextTokens === null ? null : slot.contextTokens / Math.max(1, slot.contextLimit)
  }
}

const formatPace = (slot: Slot): string => {
  switch (slot.phase) {
    case 'idle':
      return ''
    case 'prefill':
      return slot.prefillProgress === null ? `${unknown} read` : `${formatPercent(slot.prefillProgress)} read`
    case 'generating':
      return `${formatRate(slot.tokensPerSecond)} t/s`
  }
}

const tones = { idle: 'dim', prefill: 'warn', generating: 'busy' } as const

/** @param nameWidth columns for who is served; 0 when nobody is known, or there is no room */
const renderSlot = (slot: Slot, width: number, nameWidth: number): TextLine => {
  const tone = tones[slot.phase]
  const more = width >= 100 && slot.phase === 'generating' ? `${formatContext(slot.generatedTokens)} new` : ''
  const drafting = width >= 100 && slot.phase === 'generating' && slot.speculative === true ? 'drafting' : ''
  const extras = width >= 100 ? padStart(more, 11) + padStart(drafting, 11) : ''
  // id 4, phase 12, fill 14, pace 11, and a blank beside the bar.
  const barWidth = Math.max(6, width - 4 - 12 - nameWidth - 14 - 11 - extras.length)
  return [
    piece(padStart(String(slot.id), 3)),
    piece(' '),
    piece(padEnd(phaseWords[slot.phase], 12), tone),
    piece(nameWidth === 0 ? '' : padEnd(truncate(slot.developer ?? '', nameWidth - 1), nameWidth), 'strong'),
    ...bar(readShare(slot), barWidth, tone),
    piece(padStart(formatFill(slot), 14), slot.phase === 'idle' ? 'dim' : 'plain'),
    piece(padStart(formatPace(slot), 11), slot.phase === 'idle' ? 'dim' : 'strong'),
    piece(extras, 'dim'),
  ]
}

/** Who waits, by name where the Router says so: "2 requests waiting for a slot: anna 2". */
const renderQueue = (snapshot: Snapshot): TextLine => {
  const waiting = countWaiting(snapshot)
  if (waiting === null) return [piece('    queue not known', 'dim')]
  if (waiting === 0) return [piece('    nobody waits', 'dim')]
  const names = countByDeveloper((snapshot.requests ?? []).filter(({ phase }) => phase === 'waiting'))
  const whose = names.length === 0 ? '' : `: ${names.join(', ')}`
  return [piece(`    ${plural(waiting, 'request')} waiting for a slot${whose}`, 'warn')]
}

/** Today, for whoever asked anything: "anna 12 requests, 84k in, 9k out". */
const renderDevelopers = (developers: Snapshot['developers']): readonly TextLine[] => {
  const each = (developers ?? [])
    .filter(({ requests }) => requests > 0)
    .map(
      ({ developer, requests, failed, promptTokens, outputTokens, cachedTokens, readTokens }) =>
        `${developer} ${plural(requests, 'request')}${failed === 0 ? '' : ` (${failed} not answered)`}, ${formatCount(promptTokens)} in${sayFound(cachedTokens, readTokens)}, ${formatCount(outputTokens)} out`,
    )
  return each.length === 0 ? [] : [[piece(`    today: ${each.join('; ')}`, 'dim')]]
}

/** Of the prompts whose answers said so. */
const sayFound = (cachedTokens = 0, readTokens = 0): string =>
  cachedTokens + readTokens === 0
    ? ''
    : ` (${Math.floor((100 * cachedTokens) / (cachedTokens + readTokens))} % found in the cache)`

/** Busy slots first when there are too many to show, so that none of them is among the hidden. */
const selectRows = (
  slots: readonly Slot[],
): { readonly rows: readonly Slot[]; readonly hidden: readonly Slot[] } => {
  if (slots.length <= mostRows) return { rows: slots, hidden: [] }
  const busyFirst = slots.toSorted(
    (a, b) => Number(a.phase === 'idle') - Number(b.phase === 'idle') || a.id - b.id,
  )
  return { rows: busyFirst.slice(0, mostRows), hidden: busyFirst.slice(mostRows) }
}

export const renderSlots = (snapshot: Snapshot, width: number): readonly TextLine[] => {
  const { slots } = snapshot
  if (slots === null) return [[piece('Slots  ', 'strong'), piece('not known', 'dim')]]
  const limit = slots.reduce((most, slot) => Math.max(most, slot.contextLimit), 0)
  const { rows, hidden } = selectRows(slots)
  const free = hidden.filter((slot) => slot.phase === 'idle').length
  const longest = rows.reduce((most, { developer }) => Math.max(most, readWidth(developer ?? '')), 0)
  const nameWidth = longest === 0 || width < 60 ? 0 : Math.min(longest, mostNameColumns) + 1
  const title = `Agents on ${plural(slots.length, 'slot')}`
  return [
    justify([piece(title, 'strong')], [piece(`up to ${formatContext(limit)} context each`, 'dim')], width),
    ...rows.map((slot) => renderSlot(slot, width, nameWidth)),
    ...(hidden.length === 0 ? [] : [[piece(`    and ${hidden.length} more, ${free} of them free`, 'dim')]]),
    renderQueue(snapshot),
    ...renderDevelopers(snapshot.developers),
  ]
}

// Numbers as people read them. Unknown (null) is an en dash, never 0.
import type { RamDisk, Slot } from '../contract/snapshot.ts'

export const unknown = '–'

const trimZero = (text: string): string => (text.endsWith('.0') ? text.slice(0, -2) : text)

const byteUnits = [
  { name: 'TiB', bytes: 1024 ** 4, decimals: 1 },
  { name: 'GiB', bytes: 1024 ** 3, decimals: 1 },
  { name: 'MiB', bytes: 1024 ** 2, decimals: 0 },
  { name: 'KiB', bytes: 1024, decimals: 0 },
]
type ByteUnit = (typeof byteUnits)[number]

/** The largest unit in which the rounded value is at least 1, so that nothing reads as 1024.0 of a smaller unit. */
const unitFor = (bytes: number): ByteUnit | undefined =>
  byteUnits.find((_unit, index) => {
    const smaller = byteUnits[index + 1]
    const written = smaller === undefined ? bytes : Number((bytes / smaller.bytes).toFixed(smaller.decimals))
    return written >= 1024
  })

const countUnits = (bytes: number, { bytes: size, decimals }: ByteUnit): string =>
  (bytes / size).toFixed(bytes % size === 0 ? 0 : decimals)

/**
 * Binary units, which makers of memory and RAM disks mean (a Mac with "256 GB" has 256 GiB) and llama.cpp's log uses; one
 * decimal from GiB on, none for whole values.
 */
export const formatBytes = (bytes: number | null): string => {
  if (bytes === null) return unknown
  const unit = unitFor(bytes)
  return unit === undefined ? `${bytes} B` : `${countUnits(bytes, unit)} ${unit.name}`
}

/** "19.9 of 64 GiB": one unit, the larger number's, so that the two can be compared. */
export const formatShare = (usedBytes: number | null, totalBytes: number | null): string => {
  if (totalBytes === null) return `${formatBytes(usedBytes)} of ${unknown}`
  const total = formatBytes(totalBytes)
  const unit = unitFor(totalBytes)
  if (usedBytes === null || unit === undefined) return `${formatBytes(usedBytes)} of ${total}`
  return `${countUnits(usedBytes, unit)} of ${total}`
}

/** "64 GiB reserved, 19.9 used, 21.5 held": three numbers of one RAM disk; null unless all of them are known. */
export const formatReserve = ({
  totalBytes,
  usedBytes,
  heldBytes = null,
}: Pick<RamDisk, 'totalBytes' | 'usedBytes' | 'heldBytes'>): string | null => {
  if (totalBytes === null || usedBytes === null || heldBytes === null) return null
  const amount = (bytes: number) => formatShare(bytes, totalBytes).replace(/ of .*$/, '')
  return `${formatBytes(totalBytes)} reserved, ${amount(usedBytes)} used, ${amount(heldBytes)} held`
}

const formatScaled = (count: number, base: number): string => {
  if (count < base) return `${Math.round(count)}`
  const thousands = count / base
  if (thousands < 10) return `${trimZero(thousands.toFixed(1))}k`
  if (Math.round(thousands) < base) return `${Math.round(thousands)}k`
  return `${trimZero((thousands / base).toFixed(1))}M`
}

/** Context sizes are powers of two, and everyone calls 131,072 "128k". */
export const formatContext = (tokens: number | null): string =>
  tokens === null ? unknown : formatScaled(tokens, 1024)

/** Counts of things: 1,234,567 is 1.2M. */
export const formatCount = (count: number | null): string =>
  count === null ? unknown : formatScaled(count, 1000)

/** One decimal below 100, none above: 18.2, 168. */
export const formatRate = (perSecond: number | null): string => {
  if (perSecond === null) return unknown
  if (perSecond >= 9999.5) return formatCount(perSecond)
  return perSecond >= 99.95 ? perSecond.toFixed(0) : perSecond.toFixed(1)
}

/** 0 to 1 as a percentage. Never rounded up to 100: unfinished work must not look finished. */
export const formatPercent = (share: number | null): string => {
  if (share === null) return unknown
  const percent = share * 100
  return `${share < 1 ? Math.min(99, Math.round(percent)) : 100} %`
}

/** The share of a prompt's tokens found in the prompt cache, 0 to 1; null: not reported, or no answer yet. */
export const foundShare = (
  cachedTokens: number | null | undefined,
  readTokens: number | null | undefined,
): number | null =>
  typeof cachedTokens !== 'number' || typeof readTokens !== 'number' || cachedTokens + readTokens === 0
    ? null
    : cachedTokens / (cachedTokens + readTokens)

/** The same for a slot's current prompt. */
export const foundInSlot = ({
  promptTokens,
  promptProcessed,
}: Pick<Slot, 'promptTokens' | 'promptProcessed'>): number | null =>
  promptTokens === null || promptProcessed === null
    ? null
    : foundShare(promptTokens - promptProcessed, promptProcessed)

const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
] as const

/** The two largest units: 3 d 4 h, 5 min 12 s, 8 s. */
export const formatDuration = (seconds: number | null): string => {
  if (seconds === null) return unknown
  const whole = Math.max(0, Math.floor(seconds))
  const first = units.findIndex((unit) => whole >= unit.seconds)
  const large = units[first]
  if (large === undefined) return '0 s'
  const small = units[first + 1]
  const text = `${Math.floor(whole / large.seconds)} ${large.name}`
  if (small === undefined) return text
  const rest = Math.floor((whole % large.seconds) / small.seconds)
  return rest === 0 ? text : `${text} ${rest} ${small.name}`
}

/** In whole minutes from one minute on, for rows that shouldn't change every second. */
export const formatRoughDuration = (seconds: number): string =>
  formatDuration(seconds < 60 ? seconds : seconds - (seconds % 60))

/** For stages: 480 ms, 8.4 s, 2 min 5 s. */
export const formatMilliseconds = (milliseconds: number | null): string => {
  if (milliseconds === null) return unknown
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 99_950) return `${(milliseconds / 1000).toFixed(1)} s`
  return formatDuration(milliseconds / 1000)
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** 8.4 s, for durations that are compared with one another. */
export const formatSeconds = (milliseconds: number): string =>
  `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`

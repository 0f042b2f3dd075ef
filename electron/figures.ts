// Numbers as people read them. Unknown (null) is an en dash, never 0.

export const unknown = '–'

const trimZero = (text: string): string => (text.endsWith('.0') ? text.slice(0, -2) : text)

/**
 * Decimal units (1 GB = 1,000,000,000 bytes) with one decimal, as `nexus plan`, model files and the owner's map have
 * them. So a Mac sold with "256 GB" (GiB) shows 274.9 GB, the sum that its parts on this screen really add up to.
 */
export const formatBytes = (bytes: number | null): string => {
  if (bytes === null) return unknown
  // The limits lie where rounding would otherwise write 1000.0 of the smaller unit.
  if (bytes >= 999.95e9) return `${(bytes / 1e12).toFixed(1)} TB`
  if (bytes >= 999.5e6) return `${(bytes / 1e9).toFixed(1)} GB`
  if (bytes >= 999.5e3) return `${(bytes / 1e6).toFixed(0)} MB`
  if (bytes >= 1000) return `${(bytes / 1e3).toFixed(0)} kB`
  return `${bytes} B`
}

/** "21.4 of 68.7 GB": the unit once, the larger number's, so that the two can be compared. */
export const formatShare = (usedBytes: number | null, totalBytes: number | null): string => {
  if (totalBytes === null) return `${formatBytes(usedBytes)} of ${unknown}`
  const total = formatBytes(totalBytes)
  const [unit, divisor] =
    totalBytes >= 999.95e9 ? ['TB', 1e12] : totalBytes >= 999.5e6 ? ['GB', 1e9] : ['MB', 1e6]
  if (usedBytes === null || !total.endsWith(unit)) return `${formatBytes(usedBytes)} of ${total}`
  return `${(usedBytes / divisor).toFixed(unit === 'MB' ? 0 : 1)} of ${total}`
}

/** "68.7 GB reserved, 21.4 used, 23.1 held": three numbers of one RAM disk; null unless all of them are known. */
export const formatReserve = ({
  totalBytes,
  usedBytes,
  heldBytes = null,
}: {
  readonly totalBytes: number | null
  readonly usedBytes: number | null
  readonly heldBytes?: number | null | undefined
}): string | null => {
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

/** Context sizes are powers of two, and 131,072 is called 128k by everybody. */
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

/** 0 to 1 as a percentage. Not rounded up to 100: what is not finished does not look finished. */
export const formatPercent = (share: number | null): string => {
  if (share === null) return unknown
  const percent = share * 100
  return `${share < 1 ? Math.min(99, Math.round(percent)) : 100} %`
}

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

/** For stages: 480 ms, 8.4 s, 2 min 5 s. */
export const formatMilliseconds = (milliseconds: number | null): string => {
  if (milliseconds === null) return unknown
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 99_950) return `${(milliseconds / 1000).toFixed(1)} s`
  return formatDuration(milliseconds / 1000)
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

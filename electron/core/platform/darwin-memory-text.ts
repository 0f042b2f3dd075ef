// Parsers of `vm_stat` and `sysctl` on macOS.
import type { Memory } from '../../contract.ts'

export interface VmStat {
  readonly pageBytes: number
  readonly usedBytes: number
  readonly wiredBytes: number
  /** What the compressor takes, not what is stored in it. */
  readonly compressedBytes: number
  readonly swapOutPages: number | null
}

/** Lines are `Name:   123.`; one name is quoted, and newer systems add lines that are none of our business. */
const parseCounters = (text: string): ReadonlyMap<string, number> =>
  new Map(
    [...text.matchAll(/^"?([^":\n]+)"?:\s+([0-9]+)\.?\s*$/gm)].map((match) => [
      match[1] ?? '',
      Number(match[2]),
    ]),
  )

/**
 * `used` as Activity Monitor shows it: active + inactive + speculative + wired + compressor - purgeable -
 * file-backed (the formula of Stats and macmon on host_statistics64). The page size is the header's: 16384 on Apple
 * silicon, 4096 on Intel. null when any part is missing.
 */
export const parseVmStat = (text: string): VmStat | null => {
  const pageDigits = /page size of ([0-9]+) bytes/.exec(text)?.[1]
  const counters = parseCounters(text)
  const added = [
    'Pages active',
    'Pages inactive',
    'Pages speculative',
    'Pages wired down',
    'Pages occupied by compressor',
  ]
  const removed = ['Pages purgeable', 'File-backed pages']
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + (counters.get(name) ?? Number.NaN), 0)
  const usedPages = sum(added) - sum(removed)
  if (pageDigits === undefined || Number.isNaN(usedPages)) return null
  const pageBytes = Number(pageDigits)
  return {
    pageBytes,
    usedBytes: Math.max(0, usedPages) * pageBytes,
    wiredBytes: sum(['Pages wired down']) * pageBytes,
    compressedBytes: sum(['Pages occupied by compressor']) * pageBytes,
    swapOutPages: counters.get('Swapouts') ?? null,
  }
}

/** Keys are asked for by name, never with -n: there an unknown key has no line, and all values after it shift. */
export const parseSysctl = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      // Values may hold ": " themselves (kern.boottime), so only the first one counts.
      const colon = line.indexOf(': ')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 2).trim()]]
    }),
  )

export const parseWholeNumber = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null

const unitBytes: ReadonlyMap<string, number> = new Map([
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
  ['T', 2 ** 40],
])

/** `total = 3072.00M  used = 2513.50M ...`; with a decimal comma under some locales. */
export const parseSwapUsedBytes = (value: string | undefined): number | null => {
  const match = /\bused = ([0-9]+(?:[.,][0-9]+)?)([KMGT])\b/.exec(value ?? '')
  const unit = unitBytes.get(match?.[2] ?? '')
  return match?.[1] === undefined || unit === undefined
    ? null
    : Math.round(Number(match[1].replace(',', '.')) * unit)
}

/** kern.memorystatus_vm_pressure_level: 1 normal, 2 warning, 4 critical (as DISPATCH_MEMORYPRESSURE_*). */
export const parsePressureLevel = (value: string | undefined): Memory['pressure'] => {
  switch (value) {
    case '1':
      return 'normal'
    case '2':
      return 'warn'
    case '4':
      return 'critical'
    default:
      return null
  }
}

/** 0 means the system's default, which only the device can tell: llama-server's log prints it. So null. */
export const parseGpuLimitBytes = (value: string | undefined): number | null => {
  const mib = parseWholeNumber(value)
  return mib === null || mib === 0 ? null : mib * 2 ** 20
}

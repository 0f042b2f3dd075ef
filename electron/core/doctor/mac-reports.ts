// The newest panic or out-of-memory report of macOS, by file name. No report is opened.

export interface MacReport {
  readonly kind: 'panic' | 'jetsam'
  readonly name: string
  /** ms since the epoch, from the local time in the name. */
  readonly at: number
}

/**
 * `panic-full-2026-11-02-031522.0002.panic` (a kernel panic; `Kernel_2026-...` before macOS 11) and
 * `JetsamEvent-2026-11-02-031522.ips` (programs killed when memory ran out). Names are from general knowledge, not from a recording.
 */
const reportName =
  /^(panic|Kernel|JetsamEvent)(?:[-_][a-zA-Z]+)*[-_](\d{4})-(\d{2})-(\d{2})-(\d{2})(\d{2})(\d{2})\D.*(?:panic|ips)$/

export const findNewestReport = (names: readonly string[], kind: MacReport['kind']): MacReport | null => {
  const reports = names.flatMap((name): MacReport[] => {
    const [, word, ...numbers] = reportName.exec(name) ?? []
    const [year = Number.NaN, month = Number.NaN, ...rest] = numbers.map(Number)
    const at = new Date(year, month - 1, ...rest).getTime()
    const found = word === 'JetsamEvent' ? 'jetsam' : 'panic'
    return word === undefined || Number.isNaN(at) || found !== kind ? [] : [{ kind, name, at }]
  })
  return reports.toSorted((a, b) => b.at - a.at)[0] ?? null
}

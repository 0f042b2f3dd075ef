// Runs all checks in parallel, and finishes on time even if some hang.

import { messageOf } from '../base/error-message.ts'
import { within } from '../base/first-of.ts'
import { type Check, type CheckLevel, type CheckSource, checkGroups, unknown, type Verdict } from './check.ts'

export interface DoctorReport {
  readonly checks: readonly Check[]
  readonly summary: Readonly<Record<CheckLevel, number>>
}

/** A check that times out or throws is reported as unknown, with the reason. */
export const runChecks = async <Facts>(
  sources: readonly CheckSource<Facts>[],
  facts: Facts,
  timeoutMs: number,
): Promise<DoctorReport> => {
  const signal = AbortSignal.timeout(timeoutMs)
  const late = unknown(`no answer within ${(timeoutMs / 1000).toFixed(1)} s`)
  const checks = await Promise.all(
    sources.map(async (source): Promise<readonly Check[]> => {
      const done = await within(
        attempt(source, facts, signal).then((verdict) => ({ verdict })),
        timeoutMs,
      )
      const verdict = done === null ? late : done.verdict
      const { id, title, why } = source
      return verdict === null ? [] : [{ id, group: groupOf(id), title, why, ...verdict }]
    }),
  )
  return summarise(checks.flat())
}

const attempt = async <Facts>(
  source: CheckSource<Facts>,
  facts: Facts,
  signal: AbortSignal,
): Promise<Verdict | null> => {
  try {
    return await source.read(facts, signal)
  } catch (error) {
    return unknown(`the check failed: ${messageOf(error)}`)
  }
}

const groupOf = (id: CheckSource['id']): string =>
  Object.entries(checkGroups).find(([word]) => id.startsWith(`${word}.`))?.[1] ?? ''

export const summarise = (checks: readonly Check[]): DoctorReport => {
  const count = (level: CheckLevel) => checks.filter((check) => check.level === level).length
  return {
    checks,
    summary: { ok: count('ok'), warn: count('warn'), fail: count('fail'), unknown: count('unknown') },
  }
}

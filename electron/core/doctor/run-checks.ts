// Runs all checks in parallel, and finishes on time even if some hang.

import { within } from '../base/deadline.ts'
import { messageOf } from '../base/error-message.ts'
import { type Check, type CheckSource, type checkLevels, unknown, type Verdict } from './check.ts'

export interface DoctorReport {
  readonly checks: readonly Check[]
  readonly summary: {
    readonly ok: number
    readonly warn: number
    readonly fail: number
    readonly unknown: number
  }
}

/** A check that times out or throws is reported as unknown, with the reason. */
export const runChecks = async (
  sources: readonly CheckSource[],
  timeoutMs: number,
): Promise<DoctorReport> => {
  const signal = AbortSignal.timeout(timeoutMs)
  const checks = await Promise.all(sources.map((source) => runOne(source, signal, timeoutMs)))
  return summarise(checks.filter((check) => check !== null))
}

const runOne = async (source: CheckSource, signal: AbortSignal, timeoutMs: number): Promise<Check | null> => {
  const { id, group, title, why } = source
  const verdict = await within(
    attempt(source, signal).then((read) => ({ read })),
    timeoutMs,
  )
  if (verdict === null) {
    const late = unknown(`no answer within ${(timeoutMs / 1000).toFixed(1)} s`)
    return { id, group, title, why, ...late }
  }
  return verdict.read === null ? null : { id, group, title, why, ...verdict.read }
}

const attempt = async (source: CheckSource, signal: AbortSignal): Promise<Verdict | null> => {
  try {
    return await source.read(signal)
  } catch (error) {
    return unknown(`the check failed: ${messageOf(error)}`)
  }
}

export const summarise = (checks: readonly Check[]): DoctorReport => {
  const count = (level: (typeof checkLevels)[number]) =>
    checks.filter((check) => check.level === level).length
  return {
    checks,
    summary: { ok: count('ok'), warn: count('warn'), fail: count('fail'), unknown: count('unknown') },
  }
}

// What a doctor check reports, how to write one, and running all of them: in parallel, finishing on time even if some hang.
import type { DoctorAnswer } from '../../contract/question.ts'
import { messageOf } from '../base/error-message.ts'
import { within } from '../base/first-of.ts'
import type { DoctorFacts } from './facts.ts'

export type Check = DoctorAnswer['checks'][number]
export type CheckLevel = Check['level']
export type Verdict = Pick<Check, 'level' | 'found' | 'mend'>

/** The report's headings in their order, by the first word of the ids below them. */
export const checkGroups = {
  config: 'Configuration',
  core: 'Core',
  engine: 'AI Engine',
  models: 'Models',
  memory: 'Memory',
  ports: 'Ports and keys',
  reach: 'Ports and keys',
  keys: 'Ports and keys',
  router: 'Router',
  nodes: 'Router',
  clients: 'Clients',
  forge: 'Build Forge',
  machine: 'Machine',
} as const

export interface CheckSource<Facts = DoctorFacts> {
  readonly id: `${keyof typeof checkGroups}.${string}`
  readonly title: string
  /** Why a fault matters. */
  readonly why: string
  /** null: does not apply to this machine or profile. */
  read(facts: Facts, signal: AbortSignal): Promise<Verdict | null>
}

export const ok = (found: string): Verdict => ({ level: 'ok', found, mend: null })
export const warn = (found: string, mend: string | null): Verdict => ({ level: 'warn', found, mend })
export const fail = (found: string, mend: string | null): Verdict => ({ level: 'fail', found, mend })
/** The check got no answer. */
export const unknown = (found: string, mend: string | null = null): Verdict => ({
  level: 'unknown',
  found,
  mend,
})

export type DoctorReport = ReturnType<typeof summarise>

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

export const summarise = (checks: readonly Check[]) => {
  const count = (level: CheckLevel) => checks.filter((check) => check.level === level).length
  return {
    checks,
    summary: { ok: count('ok'), warn: count('warn'), fail: count('fail'), unknown: count('unknown') },
  }
}

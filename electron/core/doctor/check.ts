// What a doctor check reports, and how to write one.
import type { DoctorAnswer } from '../../contract/question.ts'
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

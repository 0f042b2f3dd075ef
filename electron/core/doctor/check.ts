// What a doctor check reports, and how to write one.
import type { Config } from '../../contract/config.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'

/** `unknown` counts as a warning: the check could not get an answer. */
export const checkLevels = ['ok', 'warn', 'fail', 'unknown'] as const
export type CheckLevel = (typeof checkLevels)[number]

export interface Finding {
  readonly level: CheckLevel
  /** What was found, with its numbers. */
  readonly found: string
  /** Why it matters. */
  readonly why: string
  /** A command to paste, or a sentence that starts with a capital letter; null when there is nothing to fix. */
  readonly mend: string | null
}

export const checkGroups = [
  'Configuration',
  'Core',
  'AI Engine',
  'Models',
  'Memory',
  'Ports and keys',
  'Router',
  'Clients',
  'Build Forge',
  'Machine',
] as const
export type CheckGroup = (typeof checkGroups)[number]

export interface Check extends Finding {
  readonly id: string
  readonly group: CheckGroup
  readonly title: string
}

/** A runnable check: reads its facts, then judges them. null: does not apply to this machine or profile. */
export interface CheckSource {
  readonly id: string
  readonly group: CheckGroup
  readonly title: string
  readonly why: string
  read(signal: AbortSignal): Promise<Omit<Finding, 'why'> | null>
}

export type Verdict = Omit<Finding, 'why'>

export const ok = (found: string): Verdict => ({ level: 'ok', found, mend: null })
export const warn = (found: string, mend: string | null): Verdict => ({ level: 'warn', found, mend })
export const fail = (found: string, mend: string | null): Verdict => ({ level: 'fail', found, mend })
export const unknown = (found: string, mend: string | null = null): Verdict => ({
  level: 'unknown',
  found,
  mend,
})

export type ConfigState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'valid' }
  | { readonly kind: 'broken'; readonly problems: readonly string[]; readonly hasLastGood: boolean }

/** The input of every check. */
export interface DoctorContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly run: RunCommand
  readonly config: Config
  readonly configState: ConfigState
  readonly chosen: ChosenProfile
  /** The command that starts this profile: `nexus up`, with --profile unless it would choose this one anyway. */
  readonly upCommand: string
}

/** Reads once and shares the result. */
export const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let reading: Promise<T> | null = null
  return () => {
    reading ??= read()
    return reading
  }
}

// The words after `nexus forge`, parsed and checked. Pure.
import type { CleanChoice } from '../core/forge/forge-clean.ts'
import { UsageError } from './usage-error.ts'

export const forgeActions = ['enable', 'disable', 'status', 'clean', 'hook'] as const

export interface ForgeCommand {
  readonly name: 'forge'
  readonly action: (typeof forgeActions)[number]
  /** For enable and disable; empty: the developer's own config. */
  readonly folders: readonly string[]
  /** For clean; null for the other actions. */
  readonly clean: CleanChoice | null
  /** Mount point of the RAM disk; null: the profile's. */
  readonly mount: string | null
  readonly json: boolean
}

export interface ForgeOptions {
  readonly unused: string | null
  readonly all: boolean
  readonly mount: string | null
  readonly json: boolean
}

/** Throws UsageError. */
export const parseForgeWords = (
  [word, ...words]: readonly string[],
  { unused, all, mount, json }: ForgeOptions,
): ForgeCommand => {
  const action = forgeActions.find((known) => known === word)
  if (action === undefined) {
    throw new UsageError(
      `nexus forge: found ${word === undefined ? 'nothing' : `"${word}"`}; allowed: ${forgeActions.join(', ')}`,
    )
  }
  const base = { name: 'forge', action, folders: [], clean: null, mount, json } as const
  if (action === 'clean') return { ...base, clean: cleanChoice(words, unused, all) }
  if (unused !== null || all)
    throw new UsageError(`nexus forge ${action}: found --unused or --all; allowed: only with clean`)
  if (action === 'enable' || action === 'disable') return { ...base, folders: words }
  if (words[0] !== undefined)
    throw new UsageError(`nexus forge ${action}: found the extra word "${words[0]}"; allowed: none`)
  return base
}

const cleanChoice = (words: readonly string[], unused: string | null, all: boolean): CleanChoice => {
  const allowed = 'allowed: one of a workspace folder, --unused DAYS, --all'
  const [path] = words
  if (words.length + Number(unused !== null) + Number(all) > 1)
    throw new UsageError(`nexus forge clean: found more than one choice; ${allowed}`)
  if (path !== undefined) return { kind: 'workspace', path }
  if (all) return { kind: 'all' }
  if (unused === null) throw new UsageError(`nexus forge clean: found nothing; ${allowed}`)
  const days = Number(unused)
  if (!/^\d+$/.test(unused) || days > 3650)
    throw new UsageError(`--unused: found "${unused}"; allowed: a whole number of days from 0 to 3650`)
  return { kind: 'unused', days }
}

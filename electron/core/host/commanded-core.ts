// The core as its commands see it: what they read, change and report.
import type { Command, Outcome } from '../../contract/command.ts'
import type { StackEvent } from '../../contract/notice.ts'
import { type CommandedId, commandedIds } from '../../contract/service-ids.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { LogError } from '../logs/core-log.ts'
import type { ModelFetches } from '../models/model-fetches.ts'
import type { RefusalContext } from '../stack/profile-refusal.ts'
import type { ServiceAssembly } from '../stack/service-assembly.ts'
import type { SetUpRunner } from './set-up-runner.ts'

/** The part of the assembly in use that commands need. */
export type CommandedServices = Pick<
  ServiceAssembly,
  'profileName' | 'profile' | 'stack' | 'endForeign' | 'untilIdle' | 'park'
> & { readonly prover: Pick<ServiceAssembly['prover'], 'retry'> }

export interface CommandedCore extends RefusalContext {
  readonly folder: StateFolder
  readonly resourcesDir: string
  readonly settings: Settings
  readonly setUp: SetUpRunner
  readonly fetches: Pick<ModelFetches, 'start' | 'cancel' | 'isActive'>
  readonly assembly: () => CommandedServices
  /** Replaces the current services with those of another profile and adopts what runs of them. */
  readonly takeProfile: (chosen: ChosenProfile) => Promise<void>
  /** Reports something that no phase shows. */
  readonly note: (severity: StackEvent['severity'], text: string) => void
  readonly logError: LogError
  /** The snapshot changed because of a command or its second half. */
  readonly onChange: () => void
  readonly onAllStopped: () => void
  /** Whether this core is ending or has ended, so that its snapshots no longer matter. */
  readonly isEnding: () => boolean
}

/**
 * `guest`: another user of the machine; the core stays after a guest's stop, because a guest could not start it again.
 * `core`: the second half of a restart, which is no order of its own.
 */
export type CommandSource = 'owner' | 'guest' | 'core'

export type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>

export const accepted: Outcome = { accepted: true }

export const namedBy = ({ only }: { readonly only: CommandedId | null }): readonly CommandedId[] =>
  only === null ? commandedIds : [only]

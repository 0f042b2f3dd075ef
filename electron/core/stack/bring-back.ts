// What a new core starts by itself: services that were wanted and no longer run, if they still fit.
import type { CommandedId } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { type RefusalContext, refuseProfile } from './profile-refusal.ts'

export interface BringBack extends RefusalContext {
  readonly missing: readonly CommandedId[]
  readonly chosen: Pick<ChosenProfile, 'name' | 'profile'>
  /** The user forced the start although it did not fit. */
  readonly forced: boolean
  /** Starts those that are still wanted: the checks before take a while, and the user may stop something meanwhile. */
  readonly start: (ids: readonly CommandedId[]) => Promise<void>
  readonly onRefused: (reason: string) => void
}

/**
 * Reports an engine that no longer fits instead of starting it: a reboot resets a raised GPU limit
 * (`sysctl iogpu.wired_limit_mb`), and an unattended machine would swap unseen. The RAM disk comes back anyway.
 */
export const bringBack = async (back: BringBack): Promise<void> => {
  const { missing, chosen, forced, start } = back
  const refusal = missing.includes('llamaServer')
    ? await refuseProfile(chosen, { force: forced }, back).then(
        (refusal) => refusal?.reason ?? null,
        messageOf,
      )
    : null
  if (refusal === null) return start(missing)
  back.onRefused(refusal)
  return start(missing.filter((id) => id === 'ramDisk'))
}

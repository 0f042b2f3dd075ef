// What a new core starts by itself: what was wanted and no longer runs, as long as it still fits.
import type { CommandedId } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { type RefusalContext, refuseProfile } from './profile-refusal.ts'

export interface BringBack extends RefusalContext {
  readonly missing: readonly CommandedId[]
  readonly chosen: Pick<ChosenProfile, 'name' | 'profile'>
  /** It was started although it did not fit, on purpose. */
  readonly forced: boolean
  /** Starts those that are still wanted by then: what is found out first takes a while, and a person may stop meanwhile. */
  readonly start: (ids: readonly CommandedId[]) => Promise<void>
  readonly onRefused: (reason: string) => void
}

/**
 * An engine that does not fit any more is told of instead of started: a reboot takes back a raised limit of the GPU
 * (`sysctl iogpu.wired_limit_mb`), and nobody may be there to see it swap. The RAM disk comes back all the same.
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

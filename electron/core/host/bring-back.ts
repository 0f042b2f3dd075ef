// What a new core starts by itself: services that were wanted and no longer run, if they still fit.
import type { CommandedId } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import { readIntent } from '../stack/intent.ts'
import { type RefusalContext, refuseProfile } from '../stack/profile-refusal.ts'
import type { CommandedCore, CommandedServices } from './commanded-core.ts'

export interface BringBackOptions extends RefusalContext, Pick<CommandedCore, 'folder' | 'assembly'> {
  /** Starts those that are still wanted: the checks before take a while, and the user may stop something meanwhile. */
  readonly start: (ids: readonly CommandedId[], given: CommandedServices) => Promise<void>
  readonly onRefused: (reason: string) => void
  readonly onError: (error: unknown) => void
}

export const createBringBack = (options: BringBackOptions) => {
  let isUnderWay = false

  const bringBack = async (missing: readonly CommandedId[]): Promise<void> => {
    const given = options.assembly()
    const { profileName: name, profile } = given
    const force = readIntent(options.folder.intentPath)?.forced === true
    const refusal = missing.includes('llamaServer')
      ? await refuseProfile({ name, profile }, { force }, options).then(
          (refusal) => refusal?.reason ?? null,
          messageOf,
        )
      : null
    if (refusal === null) return options.start(missing, given)
    options.onRefused(refusal)
    return options.start(
      missing.filter((id) => id === 'ramDisk'),
      given,
    )
  }

  return {
    isUnderWay: () => isUnderWay,
    /**
     * Reports an engine that no longer fits instead of starting it: a reboot resets a raised GPU limit
     * (`sysctl iogpu.wired_limit_mb`), and an unattended machine would swap unseen. The RAM disk comes back anyway.
     */
    begin: (missing: readonly CommandedId[]): void => {
      if (missing.length === 0) return
      isUnderWay = true
      void bringBack(missing)
        .catch(options.onError)
        .finally(() => {
          isUnderWay = false
        })
    },
  }
}

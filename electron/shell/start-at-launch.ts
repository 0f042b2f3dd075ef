// Starts the stack when the app is opened, if configured.
import { startCommand } from '../contract/command.ts'
import type { CoreConnection } from '../core/control/connect-core.ts'

export interface StartAtLaunch {
  readonly isWanted: () => boolean
  readonly onRefused: (reason: string) => void
}

/** Acts on the first core that answers only: a later core is not a launch. */
export const startAtFirstCore = (
  { withEachCore, dispatch }: Pick<CoreConnection, 'withEachCore' | 'dispatch'>,
  { isWanted, onRefused }: StartAtLaunch,
): void => {
  let launched = false
  withEachCore(() => {
    if (!launched && isWanted()) {
      void dispatch(startCommand(null)).then((outcome) => {
        if (!outcome.accepted) onRefused(outcome.reason)
      })
    }
    launched = true
    return () => {}
  })
}

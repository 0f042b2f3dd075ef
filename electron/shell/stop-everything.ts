// "Stop everything" before the app quits: sends the command and waits until the snapshot confirms it.
import type { AppState } from '../contract/app.ts'
import type { Command, Outcome } from '../contract/command.ts'
import type { ServiceState } from '../contract/snapshot.ts'
import { within } from '../core/base/first-of.ts'
import type { AppStateStore } from './feeds.ts'

/** A failed service without a process has nothing to stop. */
const runs = ({ phase, pid }: ServiceState): boolean =>
  phase !== 'stopped' && !(phase === 'failed' && pid === null)

/** Whether a stop would end anything of ours; the RAM disk stays through a stop. */
export const servicesRun = ({ snapshot }: AppState): boolean =>
  snapshot !== null && (runs(snapshot.services.llamaServer) || runs(snapshot.services.proxy))

export interface StopEverything {
  readonly state: AppStateStore
  readonly dispatch: (command: Command) => Promise<Outcome>
  readonly deadlineMs: number
}

/** null when everything has stopped, else why not. */
export const stopEverything = async ({
  state,
  dispatch,
  deadlineMs,
}: StopEverything): Promise<string | null> => {
  // A background core of `nexus up` exits once everything has stopped.
  const owner = state.get().snapshot?.owner
  const endsWithServices = owner?.background === true && owner.user === undefined
  const outcome = await dispatch({ type: 'stop', only: null, eject: false, now: false, force: false })
  if (!outcome.accepted) return outcome.reason
  const ended = await within(untilStopped(state, endsWithServices), deadlineMs)
  return ended?.failure === null ? null : (ended?.failure ?? 'not everything stopped in time')
}

const untilStopped = (
  state: AppStateStore,
  endsWithServices: boolean,
): Promise<{ readonly failure: string | null }> =>
  new Promise((resolve) => {
    let unsubscribe = () => {}
    const finish = (failure: string | null) => {
      unsubscribe()
      resolve({ failure })
    }
    const look = (present: AppState) => {
      if (present.snapshot !== null && !servicesRun(present)) finish(null)
      if (present.link.kind === 'lost')
        finish(endsWithServices ? null : 'the core went away before everything had stopped')
    }
    unsubscribe = state.subscribe(look)
    look(state.get())
  })

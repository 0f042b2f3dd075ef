// Restarting: everything with the current settings, or one service just as it runs.
import { isDeepStrictEqual } from 'node:util'
import type { Outcome } from '../../contract/command.ts'
import { type CommandedId, commandedIds } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { type Refusal, refuse, refuseProfile } from '../stack/profile-refusal.ts'
import { accepted, type CommandedCore, type CommandOf, namedBy } from './commanded-core.ts'
import type { Orders } from './orders.ts'
import type { StopServices } from './stop-command.ts'

/** @param start in turn, with a profile that was already judged */
export const createRestarts = (
  core: CommandedCore,
  orders: Orders,
  stopServices: StopServices,
  start: (command: CommandOf<'start'>, judged: ChosenProfile) => Promise<Outcome>,
) => {
  const { settings, assembly } = core

  /** Marks the services as restarting until `work` is done. */
  const whileRestarting = (ids: readonly CommandedId[], work: () => Promise<void>): void => {
    for (const id of ids) orders.restarting.add(id)
    void work().finally(() => {
      for (const id of ids) orders.restarting.delete(id)
      core.onChange()
    })
  }

  /** A service that another order stopped meanwhile stays stopped. */
  const startAgain = async (ids: readonly CommandedId[], renewed: ChosenProfile | null): Promise<void> => {
    const left = ids.filter((id) => orders.wanted().includes(id))
    if (renewed === null) {
      void assembly().stack.start(left)
      return
    }
    for (const only of left.length === commandedIds.length ? [null] : left) {
      const again = { type: 'start', only, profile: renewed.name, force: orders.wasForced() } as const
      const outcome = await start(again, renewed)
      if (!outcome.accepted) core.note('critical', `The restart stopped half-way: ${outcome.reason}`)
    }
  }

  /** The profile to restart with, checked before anything is stopped, or a refusal; null: the running one. */
  const readRenewed = async (): Promise<ChosenProfile | Refusal | null> => {
    const { profileName, profile, stack } = assembly()
    try {
      settings.reread()
      const chosen = settings.next({ name: profileName })
      if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return null
      // A mounted disk stays through the restart, with its size.
      const keepsDisk = chosen.name === profileName && stack.states().ramDisk.phase === 'ready'
      const renewed = keepsDisk
        ? { ...chosen, profile: { ...chosen.profile, ramDisk: profile.ramDisk } }
        : chosen
      return (await refuseProfile(renewed, { force: orders.wasForced() }, core)) ?? renewed
    } catch (error) {
      return refuse(messageOf(error))
    }
  }

  return {
    restart: async (command: CommandOf<'restart'>): Promise<Outcome> => {
      const { only, now = false } = command
      const ids = namedBy(command)
      const renewed = only === null ? await readRenewed() : null
      if (renewed !== null && 'accepted' in renewed) return renewed
      orders.want(ids)
      orders.note(ids, 'restart')
      whileRestarting(ids, async () => {
        await stopServices(ids, { now, keepGateway: only !== null })
        await startAgain(ids, renewed)
      })
      return accepted
    },
    /** Starts `ids`, and restarts the Router meanwhile: a large model takes minutes. */
    restartRouterBeside: (ids: readonly CommandedId[]): void => {
      whileRestarting(['proxy'], async () => {
        void assembly().stack.start(ids.filter((id) => id !== 'proxy'))
        await stopServices(['proxy'], { now: false, keepGateway: true })
        await startAgain(['proxy'], null)
      })
    },
  }
}

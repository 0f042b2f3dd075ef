// Stopping: ejecting if asked, letting running requests finish, and remembering that nothing more is wanted.
import type { Outcome } from '../../contract/command.ts'
import { type CommandedId, supervisedIds } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import { describeHolders } from '../forge/ram-disk-service.ts'
import { refuse } from '../stack/profile-refusal.ts'
import {
  accepted,
  type CommandedCore,
  type CommandOf,
  type CommandSource,
  namedBy,
} from './commanded-core.ts'
import type { Orders } from './orders.ts'

/** Even `--now` gives a process this long to end by itself. */
const hurriedGraceMs = 2_000

export type StopServices = (
  ids: readonly CommandedId[],
  how: { readonly now: boolean; readonly keepGateway?: boolean },
) => Promise<void>

export const createStopServices =
  ({ settings, assembly }: Pick<CommandedCore, 'settings' | 'assembly'>): StopServices =>
  (ids, { now, keepGateway = false }) => {
    const { drainSeconds, stopGraceSeconds } = settings.current()
    const { stack, untilIdle, park } = assembly()
    return stack.stop(ids, {
      drainMs: now ? 0 : drainSeconds * 1000,
      graceMs: now ? hurriedGraceMs : stopGraceSeconds * 1000,
      untilIdle,
      park,
      keepGateway,
    })
  }

/** No server runs; a disk may still be mounted. */
export const isAllStopped = ({ assembly }: Pick<CommandedCore, 'assembly'>): boolean => {
  const states = assembly().stack.states()
  return supervisedIds.every((id) => (states[id]?.phase ?? 'stopped') === 'stopped')
}

export type Stop = (command: CommandOf<'stop'>, from: CommandSource) => Promise<Outcome>

/** @param onStopped called after each stop */
export const createStop = (
  core: CommandedCore,
  orders: Orders,
  stopServices: StopServices,
  onStopped: () => void,
): Stop => {
  const eject = async (force: boolean): Promise<string | null> => {
    const outcome = await core.assembly().stack.eject(force)
    switch (outcome.kind) {
      case 'done':
      case 'not-mounted':
        return null
      case 'failed':
        return `could not eject the RAM disk: ${outcome.reason}`
      case 'busy':
        return `the RAM disk is in use by ${describeHolders(outcome.holders)}: end them, or nexus down --eject --force; nexus down alone keeps it. Nothing was stopped.`
    }
  }

  /** A failed write (a full disk) must not keep services running. */
  const forgetWanted = (ids: readonly CommandedId[], ejected: boolean): void => {
    try {
      orders.remember(orders.wanted().filter((id) => !ids.includes(id) || (id === 'ramDisk' && !ejected)))
    } catch (error) {
      const text = `Could not save the stopped state, so the next core may start it again: ${messageOf(error)}`
      core.note('warning', text)
      core.logError(new Error(text))
    }
  }

  return async (command, from) => {
    core.setUp.cancel()
    if (command.eject) {
      const refusal = await eject(command.force)
      if (refusal !== null) return refuse(refusal)
    }
    const ids = namedBy(command)
    for (const id of ids) orders.restarting.delete(id)
    orders.note(ids, 'stop')
    forgetWanted(ids, command.eject)
    void stopServices(ids, { now: command.now }).then(() => {
      // If a start overtook this stop, the core is still needed.
      if (from === 'owner' && command.only === null && isAllStopped(core)) core.onAllStopped()
      onStopped()
    })
    return accepted
  }
}

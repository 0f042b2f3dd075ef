// The commands, one at a time. A command returns only "accepted" or a refusal; its effect shows in snapshots.
import type { Command, Outcome } from '../../contract/command.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import type { CommandedCore, CommandedServices, CommandSource } from './commanded-core.ts'
import { createOrders } from './orders.ts'
import { createRestarts } from './restart-command.ts'
import { createSettingsCommands } from './settings-commands.ts'
import { createStart } from './start-command.ts'
import { createStop, createStopServices, isAllStopped } from './stop-command.ts'

export type CoreCommands = ReturnType<typeof createCoreCommands>

export const createCoreCommands = (core: CommandedCore) => {
  const { settings, assembly } = core

  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work).finally(core.onChange)
    turn = done.catch(() => {})
    return done
  }
  /** Runs commands one at a time, from all clients: two profiles are never assembled at once. */
  const dispatch = (command: Command, from: CommandSource = 'owner'): Promise<Outcome> =>
    inTurn(() => carryOut(command, from))

  const orders = createOrders(core)
  const stopServices = createStopServices(core)
  const restarts = createRestarts(core, orders, stopServices, dispatch)
  const start = createStart(core, orders, restarts.restartRouterBeside, inTurn)
  const settingsCommands = createSettingsCommands(core, orders)

  /** From the file as it is now, as a start would. */
  const followSettings = (): void => {
    const followed = turn.then(() => {
      if (!core.isEnding()) settings.reread()
      return settingsCommands.follow()
    })
    // The file may be half edited: the next start reports what is wrong with it.
    turn = followed.catch((error: unknown) => core.logError(new Error(messageOf(error))))
  }
  const stop = createStop(core, orders, stopServices, followSettings)

  const carryOut = async (command: Command, from: CommandSource): Promise<Outcome> => {
    switch (command.type) {
      case 'start':
        return start(command, from)
      case 'stop':
        return stop(command, from)
      case 'restart':
        return restarts.restart(command)
      case 'configure':
        return settingsCommands.configure(command)
      case 'key':
        return settingsCommands.changeKey(command)
      case 'fetchModel':
        return core.fetches.start(command)
      case 'cancelFetch':
        return core.fetches.cancel(command.id)
    }
  }

  return {
    dispatch,
    /** After the commands before it, starts those of `ids` that are still wanted, if `given` is still in use. */
    startWanted: (ids: readonly CommandedId[], given: CommandedServices): Promise<void> => {
      const started = turn.then(() => {
        const still = ids.filter((id) => orders.wanted().includes(id))
        if (assembly() === given && still.length > 0) void given.stack.start(still)
      })
      turn = started.catch(() => {})
      return started
    },
    /** Nothing runs, changes, is fetched or is wanted, except a mounted RAM disk, which needs no core. */
    isIdle: (): boolean => {
      const { phase } = assembly().stack.states().ramDisk
      return (
        isAllStopped(core) &&
        orders.restarting.size === 0 &&
        !core.setUp.state()?.running &&
        !core.fetches.isActive() &&
        phase !== 'starting' &&
        phase !== 'stopping' &&
        orders.wanted().every((id) => id === 'ramDisk')
      )
    },
    wanted: orders.wanted,
    withRestart: orders.withRestart,
    lastOrders: orders.last,
  }
}

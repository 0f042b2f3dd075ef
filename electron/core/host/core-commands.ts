// The commands, one at a time, and what happens without one: bringing back what was wanted, and following the settings while nothing
// runs. A command returns only "accepted" or a refusal; its effect shows in snapshots.
import { isDeepStrictEqual } from 'node:util'
import type { Command, Outcome } from '../../contract/command.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import { changeDeveloperKey, ownConfigReason } from '../access/developer-keys-file.ts'
import { messageOf } from '../base/error-message.ts'
import { chooseProfile } from '../config/profiles.ts'
import { readIntent } from '../stack/intent.ts'
import { refuse, refuseProfile } from '../stack/profile-refusal.ts'
import type { CommandedCore, CommandOf, CommandSource } from './commanded-core.ts'
import { createOrders } from './orders.ts'
import { createRestarts } from './restart-command.ts'
import { createStart } from './start-command.ts'
import { createStop, createStopServices, isAllStopped } from './stop-command.ts'

export type CoreCommands = ReturnType<typeof createCoreCommands>

export const createCoreCommands = (core: CommandedCore) => {
  const { folder, platform, settings, assembly } = core
  let isBringingBack = false

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
  const restarts = createRestarts(core, orders, stopServices, (command, judged) =>
    inTurn(() => start(command, 'core', judged)),
  )
  const start = createStart(core, orders, restarts.restartRouterBeside, inTurn)

  /** While nothing runs, switches to the profile that a start would take, so that views show it. */
  const follow = async (): Promise<void> => {
    const { profileName, profile, stack } = assembly()
    const { ramDisk } = stack.states()
    if (core.isEnding() || isBringingBack || orders.restarting.size > 0 || !isAllStopped(core)) return
    const chosen = chooseProfile(settings.current(), null, folder.runtimeDir)
    if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return
    // A mounted disk belongs to the profile that mounted it, until it is ejected.
    const isSameDisk = isDeepStrictEqual(chosen.profile.ramDisk, profile.ramDisk)
    if (ramDisk.phase !== 'stopped' && !(ramDisk.phase === 'ready' && isSameDisk)) return
    await core.takeProfile(chosen)
    // So that the next core shows the same; without an intent it follows the settings anyway.
    if (readIntent(folder.intentPath) !== null) orders.remember(orders.wanted())
  }

  /** From the file as it is now, as a start would. */
  const followSettings = (): void => {
    const followed = turn.then(() => {
      if (!core.isEnding()) settings.reread()
      return follow()
    })
    // The file may be half edited: the next start reports what is wrong with it.
    turn = followed.catch((error: unknown) => core.logError(new Error(messageOf(error))))
  }
  const stop = createStop(core, orders, stopServices, followSettings)

  const configure = async (command: CommandOf<'configure'>): Promise<Outcome> => {
    const totalMemoryBytes = await platform.readTotalMemoryBytes()
    const outcome = settings.configure(command.config, command.revision, totalMemoryBytes)
    if (!outcome.accepted) return outcome
    core.note('info', 'Settings changed')
    await follow().catch((error: unknown) => core.note('critical', messageOf(error)))
    return outcome
  }

  const changeKey = (command: CommandOf<'key'>): Outcome => {
    if (assembly().profile.proxy.configPath !== null) return refuse(ownConfigReason)
    try {
      return changeDeveloperKey(folder.keysDir, command)
    } catch (error) {
      return refuse(messageOf(error))
    }
  }

  const carryOut = async (command: Command, from: CommandSource): Promise<Outcome> => {
    switch (command.type) {
      case 'start':
        return start(command, from)
      case 'stop':
        return stop(command, from)
      case 'restart':
        return restarts.restart(command)
      case 'configure':
        return configure(command)
      case 'key':
        return changeKey(command)
      case 'fetchModel':
        return core.fetches.start(command)
      case 'cancelFetch':
        return core.fetches.cancel(command.id)
    }
  }

  const bringBack = async (missing: readonly CommandedId[]): Promise<void> => {
    const given = assembly()
    const { profileName: name, profile } = given
    const refusal = missing.includes('llamaServer')
      ? await refuseProfile({ name, profile }, { force: orders.wasForced() }, core).then(
          (refusal) => refusal?.reason ?? null,
          messageOf,
        )
      : null
    if (refusal !== null) {
      core.logError(new Error(refusal))
      core.note('critical', refusal)
    }
    const fitting = refusal === null ? missing : missing.filter((id) => id === 'ramDisk')
    const started = turn.then(() => {
      // The checks take a while: the user may have stopped something or taken another profile meanwhile.
      const still = fitting.filter((id) => orders.wanted().includes(id))
      if (assembly() === given && still.length > 0) void given.stack.start(still)
    })
    turn = started.catch(() => {})
    await started
  }

  return {
    dispatch,
    /**
     * Starts what was wanted and no longer runs. Reports an engine that no longer fits instead of starting it: a reboot resets a
     * raised GPU limit (`sysctl iogpu.wired_limit_mb`), and an unattended machine would swap unseen. The RAM disk comes back
     * anyway.
     */
    bringBack: (missing: readonly CommandedId[]): void => {
      if (missing.length === 0) return
      isBringingBack = true
      void bringBack(missing)
        .catch((error: unknown) =>
          core.logError(new Error(`could not start the earlier services again: ${messageOf(error)}`)),
        )
        .finally(() => {
          isBringingBack = false
        })
    },
    /** Nothing runs, changes, is fetched or is wanted, except a mounted RAM disk, which needs no core. */
    isIdle: (): boolean => {
      const { phase } = assembly().stack.states().ramDisk
      return (
        !isBringingBack &&
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

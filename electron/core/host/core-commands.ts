// What each command does to the stack. A command returns only "accepted" or a refusal; its effect shows in snapshots.

import { isDeepStrictEqual } from 'node:util'
import type { Command, Outcome } from '../../contract/command.ts'
import type { StackEvent } from '../../contract/notice.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import { commandedIds, supervisedIds } from '../../contract/service-ids.ts'
import { isServing } from '../../contract/services.ts'
import type { LastOrders, Order } from '../../contract/snapshot.ts'
import { changeDeveloperKey, ownConfigReason } from '../access/developer-keys-file.ts'
import { messageOf } from '../base/error-message.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { describeHolders } from '../forge/ram-disk-service.ts'
import type { LogError } from '../logs/core-log.ts'
import type { ModelFetches } from '../models/model-fetches.ts'
import type { Services } from '../observe/snapshot.ts'
import { readIntent, writeIntent } from '../stack/intent.ts'
import { type Alive, mixProfiles, type ProfileInUse } from '../stack/profile-in-use.ts'
import {
  type Refusal,
  type RefusalContext,
  refuse,
  refuseMoved,
  refuseProfile,
} from '../stack/profile-refusal.ts'
import type { ServiceAssembly } from '../stack/service-assembly.ts'
import type { SetUpRunner } from './set-up-runner.ts'

/** The part of the assembly in use that commands need. */
export type CommandedServices = Pick<
  ServiceAssembly,
  'profileName' | 'profile' | 'stack' | 'endForeign' | 'untilIdle' | 'park'
> & { readonly prover: Pick<ServiceAssembly['prover'], 'retry'> }

export interface CommandedCore extends RefusalContext {
  readonly folder: StateFolder
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
  /** Whether services that an earlier core left wanted are being started. */
  readonly isBringingBack: () => boolean
}

export interface CoreCommands {
  /** Runs commands one at a time, from all clients: two profiles are never assembled at once. */
  dispatch(command: Command, from?: CommandSource): Promise<Outcome>
  /** After the commands before it, starts those of `ids` that are still wanted, if `given` is still in use. */
  startWanted(ids: readonly CommandedId[], given: CommandedServices): Promise<void>
  /** The services that the user last asked for. */
  wanted(): readonly CommandedId[]
  /** Nothing runs, changes, is fetched or is wanted, except a mounted RAM disk, which needs no core. */
  isIdle(): boolean
  /** The services, with those that a restart has stopped but not yet started shown as starting. */
  withRestart(services: Services): Services
  lastOrders(): LastOrders
}

/**
 * `guest`: another user of the machine; the core stays after a guest's stop, because a guest could not start it again.
 * `core`: the second half of a restart, which is no order of its own.
 */
type CommandSource = 'owner' | 'guest' | 'core'

/** The profile that a start took, and whether the Router must restart to fit it. */
interface TakenProfile extends Pick<ProfileInUse, 'restartsRouter'> {
  readonly profile: Pick<ChosenProfile, 'name' | 'because'>
}

interface StartOrder extends Pick<ProfileInUse, 'restartsRouter'> {
  readonly command: CommandOf<'start'>
  readonly from: CommandSource
  /** A server was already running. */
  readonly bound: boolean
}

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>

/** Even `--now` gives a process this long to end by itself. */
const hurriedGraceMs = 2_000

const accepted: Outcome = { accepted: true }

const namedBy = ({ only }: { readonly only: CommandedId | null }): readonly CommandedId[] =>
  only === null ? commandedIds : [only]

export const createCoreCommands = (core: CommandedCore): CoreCommands => {
  const { folder, platform, settings, assembly } = core

  /** Whether the user forced the start although the profile did not fit. */
  const wasForced = (): boolean => readIntent(folder.intentPath)?.forced === true

  /** @param forced defaults to the earlier value, for when nothing new was started */
  const remember = (up: readonly CommandedId[], forced: boolean = wasForced()) =>
    writeIntent(folder.intentPath, {
      version: 1,
      up: [...up],
      profileName: assembly().profileName,
      profile: assembly().profile,
      ...(forced ? { forced } : {}),
    })

  const wanted = (): readonly CommandedId[] => readIntent(folder.intentPath)?.up ?? []

  /**
   * Services that a restart is about to start. Between its stop and start (others still finishing, a profile being read)
   * such a service looks as if someone else had stopped it (seen: `nexus restart` ended with that message).
   */
  const restarting = new Set<CommandedId>()
  const withRestart = (services: Services): Services => {
    const shown = { ...services }
    for (const id of restarting)
      if (shown[id].phase === 'stopped')
        shown[id] = { ...shown[id], phase: 'starting', waitingFor: 'the running services to stop' }
    return shown
  }

  let lastOrders: LastOrders = { ramDisk: null, llamaServer: null, proxy: null }
  const noteOrder = (ids: readonly CommandedId[], order: Order) => {
    lastOrders = { ...lastOrders, ...Object.fromEntries(ids.map((id) => [id, order])) }
  }

  // --- start -----------------------------------------------------------------------------------------------------

  const start = async (command: CommandOf<'start'>, from: CommandSource): Promise<Outcome> => {
    if (command.setUp === true && core.setUp.state()?.running) return joinSetUp(command)
    const { llamaServer, proxy, gateway } = assembly().stack.states()
    const phases = [llamaServer.phase, proxy.phase]
    // A server that is being rolled back after the other's failure must not change hands meanwhile.
    const moving = phases.includes('starting') || phases.includes('stopping')
    // A failed gateway gets the profile's current address; the servers are adopted as they run.
    const failed = (phases.includes('failed') || gateway?.phase === 'failed') && !moving
    /** Something runs with the current profile: no other profile may take it over. */
    const bound = phases.some((phase) => phase !== 'stopped' && phase !== 'failed')
    let taken: TakenProfile | null = null
    if (!bound || failed || command.profile !== null) {
      const requested = command.profile ?? (bound ? assembly().profileName : null)
      const answer = await switchProfile(
        { ...command, profile: requested },
        { bound, renew: !bound || failed },
      )
      if ('accepted' in answer) return answer
      taken = answer
    }
    const order = { command, from, bound, restartsRouter: taken?.restartsRouter ?? false }
    const refusal = (await isSetUpFirst(command)) ? setUpThenBegin(order) : await begin(order)
    if (refusal !== null) return refusal
    return taken === null || command.setUp !== true ? accepted : { accepted: true, profile: taken.profile }
  }

  /** The rest of a start, once its profile is in use and installed. Returns the refusal, or null. */
  const begin = async ({ command, from, bound, restartsRouter }: StartOrder): Promise<Refusal | null> => {
    const ids = namedBy(command)
    if (command.replaceForeign === true) {
      const left = await assembly().endForeign(ids)
      if (left !== null) return refuse(left)
    }
    remember([...new Set([...wanted(), ...ids])], bound ? undefined : command.force)
    if (from !== 'core') noteOrder(ids, 'start')
    assembly().prover.retry()
    if (restartsRouter) restartRouterBeside(ids)
    else void assembly().stack.start(ids)
    return null
  }

  /** A serving service needs no set-up, even if a newer release would install something else. */
  const isSetUpFirst = async (command: CommandOf<'start'>): Promise<boolean> => {
    const states = assembly().stack.states()
    if (command.setUp !== true || namedBy(command).every((id) => isServing(states[id]))) return false
    await core.setUp.look(assembly().profile)
    return (core.setUp.state()?.missing.length ?? 0) > 0
  }

  /** Set-up runs outside the turn: it takes minutes, and a stop must be able to cancel it. */
  const setUpThenBegin = (order: StartOrder): null => {
    const given = assembly()
    const { profileName: name, profile } = given
    const beginInTurn = async (signal: AbortSignal): Promise<Refusal | null> => {
      if (signal.aborted || assembly() !== given) return null
      // Judge again: with the model and program installed the plan knows more.
      return (await refuseProfile({ name, profile }, order.command, core)) ?? begin(order)
    }
    const installed = core.setUp.run(profile, async (signal) => {
      core.note('info', 'Everything that was missing is installed')
      return (await inTurn(() => beginInTurn(signal)))?.reason ?? null
    })
    void installed.then(async (done) => {
      const failure = core.setUp.state()?.failure ?? null
      if (!done && failure !== null) core.note('critical', `Set-up failed: ${failure}`)
      // Another profile was taken meanwhile: its state replaces the one just shown.
      if (assembly() !== given) await core.setUp.look(assembly().profile)
    })
    return null
  }

  /** Two windows or shells that ask for the same profile share one set-up. */
  const joinSetUp = ({ profile }: CommandOf<'start'>): Outcome =>
    profile === null || profile === assembly().profileName ? accepted : refuse('set-up is already running')

  /** Restarts the Router while the others start: a large model takes minutes. */
  const restartRouterBeside = (ids: readonly CommandedId[]): void => {
    restarting.add('proxy')
    void assembly().stack.start(ids.filter((id) => id !== 'proxy'))
    void stopServices(['proxy'], { now: false, keepGateway: true })
      .then(() => startAgain(['proxy'], null))
      .finally(() => {
        restarting.delete('proxy')
        core.onChange()
      })
  }

  /** Which services keep running when the stack is started. */
  const readAlive = (): Alive => {
    const { llamaServer, proxy, ramDisk } = assembly().stack.states()
    const lives = ({ phase, pid }: Services['proxy']) =>
      pid !== null || (phase !== 'stopped' && phase !== 'failed')
    return { llamaServer: lives(llamaServer), proxy: lives(proxy), ramDisk: ramDisk.phase === 'ready' }
  }

  /** Takes the requested profile, freshly read and checked, for the services that don't run. Returns it, or the refusal. */
  const switchProfile = async (
    command: CommandOf<'start'>,
    { bound, renew }: { readonly bound: boolean; readonly renew: boolean },
  ): Promise<TakenProfile | Refusal> => {
    try {
      const chosen = chooseProfile(settings.reread(), command.profile, folder.runtimeDir)
      const { name, because } = chosen
      const { profileName, profile: running } = assembly()
      if (bound && name !== profileName)
        return refuse(
          `the stack runs with profile ${profileName}: run nexus down, then nexus up --profile ${name}`,
        )
      if (!renew) return { profile: { name, because }, restartsRouter: false }
      const { phase } = assembly().stack.states().proxy
      const routerLives = phase !== 'stopped' && phase !== 'failed'
      const moved = bound ? refuseMoved(running, chosen.profile, routerLives) : null
      if (moved !== null) return refuse(moved)
      // Nothing is mixed from another profile: its disk size says nothing about this one's.
      const { profile, restartsRouter } =
        name === profileName
          ? mixProfiles(running, chosen.profile, readAlive())
          : { profile: chosen.profile, restartsRouter: false }
      const inUse = { ...chosen, profile }
      const refusal = await refuseProfile(inUse, command, core)
      if (refusal !== null) return refusal
      await core.takeProfile(inUse)
      return { profile: { name, because }, restartsRouter }
    } catch (error) {
      return refuse(messageOf(error))
    }
  }

  // --- stop ------------------------------------------------------------------------------------------------------

  const stop = async (command: CommandOf<'stop'>, from: CommandSource): Promise<Outcome> => {
    core.setUp.cancel()
    if (command.eject) {
      const refusal = await eject(command.force)
      if (refusal !== null) return refuse(refusal)
    }
    const ids = namedBy(command)
    for (const id of ids) restarting.delete(id)
    noteOrder(ids, 'stop')
    forgetWanted(ids, command.eject)
    void stopServices(ids, { now: command.now }).then(() => {
      // If a start overtook this stop, the core is still needed.
      if (from === 'owner' && command.only === null && isAllStopped()) core.onAllStopped()
      followInTurn()
    })
    return accepted
  }

  /** No server runs; a disk may still be mounted. */
  const isAllStopped = (): boolean => {
    const states = assembly().stack.states()
    return supervisedIds.every((id) => (states[id]?.phase ?? 'stopped') === 'stopped')
  }

  const isIdle = (): boolean => {
    const { phase } = assembly().stack.states().ramDisk
    return (
      isAllStopped() &&
      restarting.size === 0 &&
      !core.setUp.state()?.running &&
      !core.fetches.isActive() &&
      phase !== 'starting' &&
      phase !== 'stopping' &&
      wanted().every((id) => id === 'ramDisk')
    )
  }

  /** A failed write (a full disk) must not keep services running. */
  const forgetWanted = (ids: readonly CommandedId[], ejected: boolean): void => {
    try {
      remember(wanted().filter((id) => !ids.includes(id) || (id === 'ramDisk' && !ejected)))
    } catch (error) {
      const text = `Could not save the stopped state, so the next core may start it again: ${messageOf(error)}`
      core.note('warning', text)
      core.logError(new Error(text))
    }
  }

  const stopServices = (
    ids: readonly CommandedId[],
    { now, keepGateway = false }: { readonly now: boolean; readonly keepGateway?: boolean },
  ): Promise<void> => {
    const { drainSeconds, stopGraceSeconds } = settings.current()
    return assembly().stack.stop(ids, {
      drainMs: now ? 0 : drainSeconds * 1000,
      graceMs: now ? hurriedGraceMs : stopGraceSeconds * 1000,
      untilIdle: assembly().untilIdle,
      park: assembly().park,
      keepGateway,
    })
  }

  const eject = async (force: boolean): Promise<string | null> => {
    const outcome = await assembly().stack.eject(force)
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

  /** Restarts everything with the current settings, or one service just as it runs. */
  const restart = async ({ only, now = false }: CommandOf<'restart'>): Promise<Outcome> => {
    const ids = only === null ? commandedIds : [only]
    const renewed = only === null ? await readRenewed() : null
    if (renewed !== null && 'accepted' in renewed) return renewed
    remember([...new Set([...wanted(), ...ids])])
    noteOrder(ids, 'restart')
    for (const id of ids) restarting.add(id)
    void stopServices(ids, { now, keepGateway: only !== null })
      .then(() => startAgain(ids, renewed))
      .finally(() => {
        for (const id of ids) restarting.delete(id)
        core.onChange()
      })
    return accepted
  }

  /** A service that another order stopped meanwhile stays stopped. */
  const startAgain = async (ids: readonly CommandedId[], renewed: ChosenProfile | null): Promise<void> => {
    const left = ids.filter((id) => wanted().includes(id))
    if (renewed === null) {
      void assembly().stack.start(left)
      return
    }
    for (const only of left.length === commandedIds.length ? [null] : left) {
      const again: Command = { type: 'start', only, profile: renewed.name, force: wasForced() }
      const outcome = await dispatch(again, 'core')
      if (!outcome.accepted) core.note('critical', `The restart stopped half-way: ${outcome.reason}`)
    }
  }

  /** The profile to restart with, checked before anything is stopped, or a refusal; null: the running one. */
  const readRenewed = async (): Promise<ChosenProfile | Refusal | null> => {
    const { profileName, profile } = assembly()
    try {
      settings.reread()
      const chosen = settings.next({ name: profileName })
      if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return null
      return (await refuseProfile(chosen, { force: wasForced() }, core)) ?? chosen
    } catch (error) {
      return refuse(messageOf(error))
    }
  }

  // --- settings, keys ------------------------------------------------------------------------------------------

  const configure = async (command: CommandOf<'configure'>): Promise<Outcome> => {
    const totalMemoryBytes = await platform.readTotalMemoryBytes()
    const outcome = settings.configure(command.config, command.revision, totalMemoryBytes)
    if (!outcome.accepted) return outcome
    core.note('info', 'Settings changed')
    await followSettings().catch((error: unknown) => core.note('critical', messageOf(error)))
    return outcome
  }

  /** While nothing runs, switches to the profile that a start would take, so that views show it. */
  const followSettings = async (): Promise<void> => {
    const { profileName, profile, stack } = assembly()
    const { ramDisk } = stack.states()
    if (core.isEnding() || core.isBringingBack() || restarting.size > 0 || !isAllStopped()) return
    const chosen = chooseProfile(settings.current(), null, folder.runtimeDir)
    if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return
    // A mounted disk belongs to the profile that mounted it, until it is ejected.
    const isSameDisk = isDeepStrictEqual(chosen.profile.ramDisk, profile.ramDisk)
    if (ramDisk.phase !== 'stopped' && !(ramDisk.phase === 'ready' && isSameDisk)) return
    await core.takeProfile(chosen)
    // So that the next core shows the same; without an intent it follows the settings anyway.
    if (readIntent(folder.intentPath) !== null) remember(wanted())
  }

  /** Follows the settings after a stop, from the file as it is now, as a start would. */
  const followInTurn = (): void => {
    const followed = turn.then(() => {
      if (!core.isEnding()) settings.reread()
      return followSettings()
    })
    // The file may be half edited: the next start reports what is wrong with it.
    turn = followed.catch((error: unknown) => core.logError(new Error(messageOf(error))))
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
        return restart(command)
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

  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work).finally(core.onChange)
    turn = done.catch(() => {})
    return done
  }
  const dispatch = (command: Command, from: CommandSource = 'owner'): Promise<Outcome> =>
    inTurn(() => carryOut(command, from))

  const startWanted = (ids: readonly CommandedId[], given: CommandedServices): Promise<void> => {
    const started = turn.then(() => {
      const still = ids.filter((id) => wanted().includes(id))
      if (assembly() === given && still.length > 0) void given.stack.start(still)
    })
    turn = started.catch(() => {})
    return started
  }

  return { dispatch, startWanted, wanted, isIdle, withRestart, lastOrders: () => lastOrders }
}

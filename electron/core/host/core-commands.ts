// What each command does to the stack. A command answers only "accepted" or why not; its effect is seen in snapshots.

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

/** The services of the profile in use, as commands need them. */
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
  /** Another profile's services take the place of the present ones, and what runs of them is adopted. */
  readonly takeProfile: (chosen: ChosenProfile) => Promise<void>
  /** Something was done that no phase shows. */
  readonly note: (severity: StackEvent['severity'], text: string) => void
  readonly logError: LogError
  /** What a command or its second half leaves in a snapshot is another. */
  readonly onChange: () => void
  readonly onAllStopped: () => void
  /** Whether this core is about to go, or has gone: then what it shows is of no use any more. */
  readonly isEnding: () => boolean
  /** Whether what an earlier core left wanted is being started. */
  readonly isBringingBack: () => boolean
}

export interface CoreCommands {
  /** One after the other, whoever gives them: two profiles are never assembled at once. */
  dispatch(command: Command, from?: CommandSource): Promise<Outcome>
  /** Starts what is still wanted of these once the commands before it are done, if the profile is still `given`'s. */
  startWanted(ids: readonly CommandedId[], given: CommandedServices): Promise<void>
  /** What the user last asked for. */
  wanted(): readonly CommandedId[]
  /** Nothing runs, moves, is fetched or is wanted but a RAM disk that is mounted, which stays without a core. */
  isIdle(): boolean
  /** The services as they are, and those that a restart has stopped and not yet started as starting. */
  withRestart(services: Services): Services
  lastOrders(): LastOrders
}

/**
 * `guest`: another user of the machine, who could not start again what a core that ended with its services had run.
 * `core`: the second half of a restart, which is no order of its own.
 */
type CommandSource = 'owner' | 'guest' | 'core'

/** What a start took, and whether the Router has to be started anew to fit it. */
interface TakenProfile extends Pick<ProfileInUse, 'restartsRouter'> {
  readonly profile: Pick<ChosenProfile, 'name' | 'because'>
}

interface StartOrder extends Pick<ProfileInUse, 'restartsRouter'> {
  readonly command: CommandOf<'start'>
  readonly from: CommandSource
  /** A server ran before it. */
  readonly bound: boolean
}

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>

/** `--now` still lets a process end by itself for this long. */
const hurriedGraceMs = 2_000

const accepted: Outcome = { accepted: true }

const namedBy = ({ only }: { readonly only: CommandedId | null }): readonly CommandedId[] =>
  only === null ? commandedIds : [only]

export const createCoreCommands = (core: CommandedCore): CoreCommands => {
  const { folder, platform, settings, assembly } = core

  /** Whether what runs was started although it did not fit. */
  const wasForced = (): boolean => readIntent(folder.intentPath)?.forced === true

  /** @param forced as before when nothing new was started */
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
   * What a restart is about to start. Between its stop and its start, while others still finish or another profile is
   * read, a service is stopped as if somebody else had wanted that (seen: `nexus restart` ended with such words).
   */
  const restarting = new Set<CommandedId>()
  const withRestart = (services: Services): Services => {
    const shown = { ...services }
    for (const id of restarting)
      if (shown[id].phase === 'stopped')
        shown[id] = { ...shown[id], phase: 'starting', waitingFor: 'the end of what runs' }
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
    // A server that is just being rolled back after the other's failure must not change hands in between.
    const moving = phases.includes('starting') || phases.includes('stopping')
    // A gateway that failed gets the address that the profile has now; the servers are adopted as they run.
    const failed = (phases.includes('failed') || gateway?.phase === 'failed') && !moving
    /** What lives was started with the present profile: no other may take it over. */
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

  /** What a start does once its profile is in use and installed; answers why not. */
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

  /** What serves needs nothing, also where a newer release would install something else. */
  const isSetUpFirst = async (command: CommandOf<'start'>): Promise<boolean> => {
    const states = assembly().stack.states()
    if (command.setUp !== true || namedBy(command).every((id) => isServing(states[id]))) return false
    await core.setUp.look(assembly().profile)
    return (core.setUp.state()?.missing.length ?? 0) > 0
  }

  /** Not within the turn: that takes minutes, and a stop calls it off. */
  const setUpThenBegin = (order: StartOrder): null => {
    const given = assembly()
    const { profileName: name, profile } = given
    const beginInTurn = async (signal: AbortSignal): Promise<Refusal | null> => {
      if (signal.aborted || assembly() !== given) return null
      // With the model and the program there, more is known than before.
      return (await refuseProfile({ name, profile }, order.command, core)) ?? begin(order)
    }
    const installed = core.setUp.run(profile, async (signal) => {
      core.note('info', 'Everything that was missing is installed')
      return (await inTurn(() => beginInTurn(signal)))?.reason ?? null
    })
    void installed.then(async (done) => {
      const failure = core.setUp.state()?.failure ?? null
      if (!done && failure !== null) core.note('critical', `Set-up failed: ${failure}`)
      // Another profile was taken meanwhile.
      if (assembly() !== given) await core.setUp.look(assembly().profile)
    })
    return null
  }

  /** Two windows, or two shells, that want the same see the same set-up. */
  const joinSetUp = ({ profile }: CommandOf<'start'>): Outcome =>
    profile === null || profile === assembly().profileName ? accepted : refuse('it is being set up already')

  /** The others start meanwhile: a large model takes minutes. */
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

  /** What goes on with a process of its own when the stack is started. */
  const readAlive = (): Alive => {
    const { llamaServer, proxy, ramDisk } = assembly().stack.states()
    const lives = ({ phase, pid }: Services['proxy']) =>
      pid !== null || (phase !== 'stopped' && phase !== 'failed')
    return { llamaServer: lives(llamaServer), proxy: lives(proxy), ramDisk: ramDisk.phase === 'ready' }
  }

  /** Takes the profile asked for, freshly read and checked, for what does not live; or answers why not. */
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
          `the stack runs with profile ${profileName}; nexus down first, then nexus up --profile ${name}`,
        )
      if (!renew) return { profile: { name, because }, restartsRouter: false }
      const { phase } = assembly().stack.states().proxy
      const routerLives = phase !== 'stopped' && phase !== 'failed'
      const moved = bound ? refuseMoved(running, chosen.profile, routerLives) : null
      if (moved !== null) return refuse(moved)
      // Another profile's disk is no size of this one's.
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
      // A start may have overtaken this stop: then the core is needed.
      if (from === 'owner' && command.only === null && isAllStopped()) core.onAllStopped()
      followInTurn()
    })
    return accepted
  }

  /** Of what runs; a disk may stay mounted. */
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

  /** What cannot be written down (a full disk) keeps nothing running. */
  const forgetWanted = (ids: readonly CommandedId[], ejected: boolean): void => {
    try {
      remember(wanted().filter((id) => !ids.includes(id) || (id === 'ramDisk' && !ejected)))
    } catch (error) {
      const text = `That this was stopped could not be written down, so the next core may start it again: ${messageOf(error)}`
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
        return `the RAM disk was not ejected: ${outcome.reason}`
      case 'busy':
        return `the RAM disk is in use by ${describeHolders(outcome.holders)}: end them, or nexus down --eject --force; nexus down alone keeps it. Nothing was stopped.`
    }
  }

  /** Of everything: with the settings as they are now. Of one service: just as it runs. */
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

  /** What was stopped by another order meanwhile stays so. */
  const startAgain = async (ids: readonly CommandedId[], renewed: ChosenProfile | null): Promise<void> => {
    const left = ids.filter((id) => wanted().includes(id))
    if (renewed === null) {
      void assembly().stack.start(left)
      return
    }
    for (const only of left.length === commandedIds.length ? [null] : left) {
      const again: Command = { type: 'start', only, profile: renewed.name, force: wasForced() }
      const outcome = await dispatch(again, 'core')
      if (!outcome.accepted) core.note('critical', `The restart ended half-way: ${outcome.reason}`)
    }
  }

  /** The profile to restart with, checked before anything is stopped, or why not; null: the one that runs. */
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

  /** While nothing runs, what is shown is of the profile that a start would take. */
  const followSettings = async (): Promise<void> => {
    const { profileName, profile, stack } = assembly()
    const { ramDisk } = stack.states()
    if (core.isEnding() || core.isBringingBack() || restarting.size > 0 || !isAllStopped()) return
    const chosen = chooseProfile(settings.current(), null, folder.runtimeDir)
    if (chosen.name === profileName && isDeepStrictEqual(chosen.profile, profile)) return
    // A disk that stays mounted belongs to the profile that it was mounted for, until it is ejected.
    const isSameDisk = isDeepStrictEqual(chosen.profile.ramDisk, profile.ramDisk)
    if (ramDisk.phase !== 'stopped' && !(ramDisk.phase === 'ready' && isSameDisk)) return
    await core.takeProfile(chosen)
    // The next core shows the same; without an intent it chooses by the settings anyway.
    if (readIntent(folder.intentPath) !== null) remember(wanted())
  }

  /** After what ran has ended: with the file as it is now, which a start would take. */
  const followInTurn = (): void => {
    const followed = turn.then(() => {
      if (!core.isEnding()) settings.reread()
      return followSettings()
    })
    // A file that somebody is just editing: the next start says what is wrong with it.
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

// Starting: the profile is taken once, checked, what is missing is installed, and then the services start.
import type { Outcome } from '../../contract/command.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import { isServing } from '../../contract/services.ts'
import { messageOf } from '../base/error-message.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { type Refusal, refuse, refuseProfile } from '../stack/profile-refusal.ts'
import {
  accepted,
  type CommandedCore,
  type CommandOf,
  type CommandSource,
  namedBy,
} from './commanded-core.ts'
import type { Orders } from './orders.ts'
import { switchProfile, type TakenProfile } from './switch-profile.ts'

interface StartOrder extends Pick<TakenProfile, 'restartsRouter'> {
  readonly command: CommandOf<'start'>
  readonly from: CommandSource
  /** A server was already running. */
  readonly bound: boolean
}

/**
 * `judged`: the profile that a restart has already chosen and judged. It is not read again, and judged again only if a service
 * that did not stop keeps other settings.
 */
export type Start = (
  command: CommandOf<'start'>,
  from: CommandSource,
  judged?: ChosenProfile,
) => Promise<Outcome>

/** @param inTurn runs work as one command among the others */
export const createStart = (
  core: CommandedCore,
  orders: Orders,
  restartRouterBeside: (ids: readonly CommandedId[]) => void,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Start => {
  const { assembly } = core

  const start: Start = async (command, from, judged) => {
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
      const answer = await switchProfile(core, {
        requested,
        judged: judged ?? null,
        force: command.force,
        bound,
        renew: !bound || failed,
      })
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
    orders.want(ids, bound ? undefined : command.force)
    if (from !== 'core') orders.note(ids, 'start')
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

  return async ({ model, ...command }, from, judged) => {
    if (model === undefined) return start(command, from, judged)
    try {
      const profile = await (await import('../answers/models-answer.ts')).writeModelProfile(model, core)
      return start({ ...command, profile }, from)
    } catch (error) {
      return refuse(messageOf(error))
    }
  }
}

// Taking the profile that a start asks for, freshly read and checked.
import { messageOf } from '../base/error-message.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Services } from '../observe/snapshot.ts'
import { type Alive, mixProfiles, type ProfileInUse } from '../stack/profile-in-use.ts'
import { type Refusal, refuse, refuseMoved, refuseProfile } from '../stack/profile-refusal.ts'
import type { CommandedCore } from './commanded-core.ts'

/** The profile that a start took, and whether the Router must restart to fit it. */
export interface TakenProfile extends Pick<ProfileInUse, 'restartsRouter'> {
  readonly profile: Pick<ChosenProfile, 'name' | 'because'>
}

export interface ProfileRequest {
  /** As chooseProfile takes it. */
  readonly requested: string | null
  /** Even if it does not fit. */
  readonly force: boolean
  /** Something runs with the profile in use: no other profile may take it over. */
  readonly bound: boolean
  /** Whether what does not run takes the current settings. */
  readonly renew: boolean
}

export const switchProfile = async (
  core: CommandedCore,
  { requested, force, bound, renew }: ProfileRequest,
): Promise<TakenProfile | Refusal> => {
  try {
    const chosen = chooseProfile(core.settings.reread(), requested, core.folder.runtimeDir)
    const { name, because } = chosen
    const { profileName, profile: running, stack } = core.assembly()
    if (bound && name !== profileName)
      return refuse(
        `the stack runs with profile ${profileName}: run nexus down, then nexus up --profile ${name}`,
      )
    if (!renew) return { profile: { name, because }, restartsRouter: false }
    const { phase } = stack.states().proxy
    const routerLives = phase !== 'stopped' && phase !== 'failed'
    const moved = bound ? refuseMoved(running, chosen.profile, routerLives) : null
    if (moved !== null) return refuse(moved)
    // Nothing is mixed from another profile: its disk size says nothing about this one's.
    const { profile, restartsRouter } =
      name === profileName
        ? mixProfiles(running, chosen.profile, findAlive(stack.states()))
        : { profile: chosen.profile, restartsRouter: false }
    const inUse = { ...chosen, profile }
    const refusal = await refuseProfile(inUse, { force }, core)
    if (refusal !== null) return refusal
    await core.takeProfile(inUse)
    return { profile: { name, because }, restartsRouter }
  } catch (error) {
    return refuse(messageOf(error))
  }
}

/** Which services keep running when the stack is started. */
const findAlive = ({ llamaServer, proxy, ramDisk }: Services): Alive => {
  const lives = ({ phase, pid }: Services['proxy']) =>
    pid !== null || (phase !== 'stopped' && phase !== 'failed')
  return { llamaServer: lives(llamaServer), proxy: lives(proxy), ramDisk: ramDisk.phase === 'ready' }
}

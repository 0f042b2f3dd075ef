// Taking the profile that a start asks for, freshly read and checked, while some services may keep running with the one in use.

import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { messageOf } from '../base/error-message.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Services } from '../observe/snapshot.ts'
import { buildLiteLlmConfig } from '../router/litellm-config.ts'
import { routerSettings } from '../router/litellm-router-settings.ts'
import { type Refusal, refuse, refuseMoved, refuseProfile } from '../stack/profile-refusal.ts'
import type { CommandedCore } from './commanded-core.ts'

/** The profile that a start took. */
export interface TakenProfile {
  readonly profile: Pick<ChosenProfile, 'name' | 'because'>
  /** The running Router must restart to fit the AI Engine that is about to start. */
  readonly restartsRouter: boolean
}

interface ProfileRequest {
  /** As chooseProfile takes it. */
  readonly requested: string | null
  /** Chosen and judged by a restart; null: neither yet. */
  readonly judged: ChosenProfile | null
  /** Even if it does not fit. */
  readonly force: boolean
  /** Something runs with the profile in use: no other profile may take it over. */
  readonly bound: boolean
  /** Whether what does not run takes the current settings. */
  readonly renew: boolean
}

export const switchProfile = async (
  core: CommandedCore,
  { requested, judged, force, bound, renew }: ProfileRequest,
): Promise<TakenProfile | Refusal> => {
  try {
    const chosen = judged ?? chooseProfile(core.settings.reread(), requested, core.folder.runtimeDir)
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
    // What a service that did not stop keeps of its settings may differ from what was judged before the stop.
    const isJudged = judged !== null && isDeepStrictEqual(profile, judged.profile)
    const refusal = isJudged ? null : await refuseProfile(inUse, { force }, core)
    if (refusal !== null) return refusal
    await core.takeProfile(inUse)
    return { profile: { name, because }, restartsRouter }
  } catch (error) {
    return refuse(messageOf(error))
  }
}

/** Which services keep running when the stack is started. */
const findAlive = ({ llamaServer, proxy, ramDisk }: Services) => {
  const lives = ({ phase, pid }: Services['proxy']) =>
    pid !== null || (phase !== 'stopped' && phase !== 'failed')
  return { llamaServer: lives(llamaServer), proxy: lives(proxy), ramDisk: ramDisk.phase === 'ready' }
}

type Alive = ReturnType<typeof findAlive>

/**
 * A running service keeps its section until it restarts, so that the profile in use shows what runs, and every difference from
 * the configured one means "restart needed". The Router's launch also depends on the AI Engine's section: slots, pool, address
 * and alias. If the AI Engine starts with other values, the running Router would admit too many requests or promise a pool
 * that doesn't exist. Without an engine it serves no local requests anyway, so it is restarted and takes all settings.
 */
const mixProfiles = (running: Profile, next: Profile, alive: Alive) => {
  const kept = keepSections(running, next, alive)
  if (!alive.proxy || alive.llamaServer || isDeepStrictEqual(routerLaunch(running), routerLaunch(kept)))
    return { profile: kept, restartsRouter: false }
  return { profile: keepSections(running, next, { ...alive, proxy: false }), restartsRouter: true }
}

const keepSections = (running: Profile, next: Profile, alive: Alive): Profile => {
  const { nodes, ...rest } = next
  const routed = alive.proxy ? running.nodes : nodes
  return {
    ...rest,
    llamaServer: alive.llamaServer ? running.llamaServer : next.llamaServer,
    proxy: alive.proxy ? running.proxy : next.proxy,
    ramDisk: alive.ramDisk ? running.ramDisk : next.ramDisk,
    ...(routed === undefined ? {} : { nodes: routed }),
  }
}

/** Everything that a Router takes from a profile at its start. With a configuration of the user's own it reads none of ours. */
const routerLaunch = (profile: Profile): unknown => {
  const { proxy, nodes } = profile
  if (proxy.configPath !== null) return { proxy, nodes }
  return {
    proxy,
    nodes,
    settings: routerSettings(profile, { proxyDir: '', feedPath: '' }),
    config: buildLiteLlmConfig(profile),
  }
}

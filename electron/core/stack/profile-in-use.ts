// The profile of a stack of which a part goes on as it runs, while the rest starts with the settings as they are now. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { routerSettings } from '../router/litellm-router-settings.ts'
import { profileLiteLlmConfig } from '../router/profile-litellm-config.ts'

/** Which parts go on as they run. */
export interface Alive {
  readonly llamaServer: boolean
  readonly proxy: boolean
  /** It is mounted. */
  readonly ramDisk: boolean
}

export interface ProfileInUse {
  /** Each section is what its part runs with. */
  readonly profile: Profile
  /** The Router runs, and has to be started anew to fit the AI Engine that is about to start. */
  readonly restartsRouter: boolean
}

/**
 * What lives keeps its section until it is started anew, so that the profile in use says what runs, and every difference to the
 * configured one is a restart needed. The Router's launch also depends on the AI Engine's section: slots, the pool, the address
 * and the alias. A Router that lives while the AI Engine starts with others of these would let in too many, or promise a pool
 * that is not there, and without an engine it serves nobody here: it is restarted, and then takes all settings.
 */
export const mixProfiles = (running: Profile, next: Profile, alive: Alive): ProfileInUse => {
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

/** All that a Router takes from a profile when it is started. One with a configuration of the user's own reads nothing of ours. */
const routerLaunch = (profile: Profile): unknown => {
  const { proxy, nodes } = profile
  if (proxy.configPath !== null) return { proxy, nodes }
  return {
    proxy,
    nodes,
    settings: routerSettings(profile, { proxyDir: '', feedPath: '' }),
    config: profileLiteLlmConfig(profile),
  }
}

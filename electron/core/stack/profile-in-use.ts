// The profile of a stack in which some services keep running while the rest start with the current settings. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../contract/profile.ts'
import { buildLiteLlmConfig } from '../router/litellm-config.ts'
import { routerSettings } from '../router/litellm-router-settings.ts'

/** Which services keep running. */
export interface Alive {
  readonly llamaServer: boolean
  readonly proxy: boolean
  /** Mounted. */
  readonly ramDisk: boolean
}

export interface ProfileInUse {
  /** Each section holds what its service runs with. */
  readonly profile: Profile
  /** The running Router must restart to fit the AI Engine that is about to start. */
  readonly restartsRouter: boolean
}

/**
 * A running service keeps its section until it restarts, so that the profile in use shows what runs, and every difference from
 * the configured one means "restart needed". The Router's launch also depends on the AI Engine's section: slots, pool, address
 * and alias. If the AI Engine starts with other values, the running Router would admit too many requests or promise a pool
 * that doesn't exist. Without an engine it serves no local requests anyway, so it is restarted and takes all settings.
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

// The gateway of one profile: supervised if the profile has one; otherwise a leftover one is ended.

import type { Platform } from '../platform/platform.ts'
import { createTraefikService } from '../router/traefik-service.ts'
import { endEarlier } from '../supervise/child-process.ts'
import { identityOf, type Ledger } from '../supervise/ledger.ts'
import { type SupervisedChild, superviseChild } from '../supervise/supervised-child.ts'
import type { AssemblyOptions } from './assembly-options.ts'
import type { StackGateway } from './stack.ts'

/** @param routerIsReady whether the Router answers direct requests */
export const assembleGateway = (
  options: AssemblyOptions,
  routerIsReady: () => boolean,
): StackGateway<SupervisedChild> => {
  const { folder, platform, profile, ledger } = options
  const gateway = profile.gateway ?? null
  if (gateway === null) return { supervisor: null, endStray: () => endStray(ledger, platform) }
  const service = createTraefikService({
    gateway,
    proxy: profile.proxy,
    gatewayDir: folder.gatewayDir,
    runtimeDir: folder.runtimeDir,
    platform: platform.id,
    env: options.env,
    routerIsReady,
  })
  return { supervisor: superviseChild(options, service), endStray: async () => {} }
}

const strayGraceMs = 2_000

/** Ends the gateway that an earlier core started for a forgotten profile: it would hold its port for ever. */
export const endStray = async (
  ledger: Pick<Ledger, 'find' | 'forget'>,
  { processes }: Pick<Platform, 'processes'>,
): Promise<void> => {
  const entry = ledger.find('gateway')
  if (entry === null) return
  // One that survives stays in the ledger, so that the next adoption tries again.
  if (await endEarlier(identityOf(entry), strayGraceMs, processes)) ledger.forget('gateway')
}

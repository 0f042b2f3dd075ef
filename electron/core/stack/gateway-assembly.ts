// The gateway of one profile: supervised if the profile has one; otherwise a leftover one is ended.

import type { Profile } from '../../contract/profile.ts'
import { isServing } from '../../contract/services.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { PollerSources } from '../observe/poller.ts'
import type { Platform } from '../platform/platform.ts'
import { createTraefikService } from '../router/traefik-service.ts'
import { adoptProcess, endProcess } from '../supervise/child-process.ts'
import { identityOf, type Ledger } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import { type SuperviseOptions, superviseChild } from '../supervise/supervised-child.ts'
import type { Supervisor } from '../supervise/supervisor.ts'
import type { StackGateway } from './stack.ts'

export interface GatewayOptions extends SuperviseOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly profile: Profile
}

export interface GatewayAssembly {
  readonly part: StackGateway
  readonly source: PollerSources['gateway']
}

/** @param routerIsReady whether the Router answers direct requests */
export const assembleGateway = (
  options: GatewayOptions,
  ledger: Ledger,
  routerIsReady: () => boolean,
): GatewayAssembly => {
  const { folder, platform, profile } = options
  const gateway = profile.gateway ?? null
  if (gateway === null)
    return {
      part: { supervisor: null, endStray: () => endStray(ledger, platform) },
      source: () => null,
    }
  const service = createTraefikService({
    gateway,
    proxy: profile.proxy,
    gatewayDir: folder.gatewayDir,
    runtimeDir: folder.runtimeDir,
    platform: platform.id,
    env: options.env,
    routerIsReady,
  })
  const supervisor: Supervisor = superviseChild(options, service, ledger)
  return {
    part: { supervisor, endStray: async () => {} },
    source: () =>
      isServing(supervisor.state()) ? { probe: service.probe, report: supervisor.reportHealth } : null,
  }
}

const strayGraceMs = 2_000

/** Ends the gateway that an earlier core started for a forgotten profile: it would hold its port for ever. */
export const endStray = async (
  ledger: Pick<Ledger, 'find' | 'forget'>,
  { processes }: Pick<Platform, 'processes'>,
): Promise<void> => {
  const entry = ledger.find('gateway')
  if (entry === null) return
  const identity = identityOf(entry)
  if (await isSameProcess(identity, processes)) {
    const graceOver = new Promise<void>((resolve) => setTimeout(resolve, strayGraceMs))
    const stray = adoptProcess(identity, processes)
    const outcome = await endProcess(stray, graceOver, processes)
    stray.release()
    // Stays in the ledger, so that the next adoption tries again.
    if (outcome.kind === 'still-there') return
  }
  ledger.forget('gateway')
}

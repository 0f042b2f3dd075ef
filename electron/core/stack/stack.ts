// The services together: order of start and stop, and rolling back a start that failed half-way.

import type { CommandedId } from '../../contract/service-ids.ts'
import { isServing } from '../../contract/services.ts'
import type { ServiceState } from '../../contract/snapshot.ts'
import { within } from '../base/deadline.ts'
import type { RamDiskService } from '../forge/ram-disk-service.ts'
import type { Services } from '../observe/snapshot.ts'
import type { EjectOutcome } from '../platform/platform.ts'
import type { Supervisor } from '../supervise/supervisor.ts'

export interface StackServices {
  readonly ramDisk: RamDiskService
  readonly llamaServer: Supervisor
  readonly proxy: Supervisor
  /** Goes with the Router. */
  readonly gateway: StackGateway
}

export interface StackGateway {
  /** null: the profile has none. */
  readonly supervisor: Supervisor | null
  /** Ends one that an earlier core left behind although this profile has none. */
  endStray(): Promise<void>
}

export interface StopOptions {
  /** How long running requests may go on; 0 ends them at once. */
  readonly drainMs: number
  readonly graceMs: number
  /** Settles when no slot is processing any more. */
  readonly untilIdle: () => Promise<void>
  /** Settles when what only the AI Engine's memory holds is in files. */
  readonly park?: () => Promise<void>
  /** The Router comes back at once: the gateway stays and answers 502 meanwhile, on which clients try again. */
  readonly keepGateway?: boolean
}

export interface Stack {
  states(): Services
  /**
   * Starts what is named, side by side, and the gateway once the Router serves: before that it could only say 502. When
   * one server fails, the other stops again if this call began it, the gateway with the Router. A gateway that fails
   * stops nobody: the Router has an address of its own.
   */
  start(ids: readonly CommandedId[]): Promise<void>
  /**
   * The Router first, so that clients hear of a clean end; then the AI Engine, unless a start overtakes. The RAM disk
   * stays. The gateway ends after the Router, beside the AI Engine: streams that the Router lets finish pass through it,
   * and who comes meanwhile is told 502 instead of being refused by the system.
   */
  stop(ids: readonly CommandedId[], options: StopOptions): Promise<void>
  eject(force: boolean): Promise<EjectOutcome>
  /** Before another profile takes over: ends a gateway that is not to be taken over, and lets one end that is ending. */
  releaseGateway(isKept: boolean): Promise<void>
  /** Takes over what an earlier core left running; answers which services those were. */
  adopt(): Promise<readonly CommandedId[]>
  /** Lets go of what runs; settles when no mount or eject is under way any more. */
  close(): Promise<void>
}

export const createStack = (services: StackServices): Stack => {
  const { supervisor: gateway } = services.gateway
  const states = (): Services => ({
    ramDisk: services.ramDisk.state(),
    llamaServer: services.llamaServer.state(),
    proxy: services.proxy.state(),
    ...(gateway === null ? {} : { gateway: gateway.state() }),
  })

  /** How often a start named the AI Engine: a stop that is still at the Router must not end what was asked for since. */
  let engineStarts = 0

  /** How often the Router was ordered up or down: the gateway follows the last order only. */
  let routerOrders = 0

  const startRouter = async (): Promise<ServiceState> => {
    routerOrders += 1
    const order = routerOrders
    const router = await services.proxy.start()
    if (isServing(router) && order === routerOrders) await gateway?.start()
    return router
  }

  const stopProxy = (ids: readonly CommandedId[], options: StopOptions): Promise<unknown> =>
    // LiteLLM's own answer to SIGTERM is the drain: it takes no new request and lets open streams finish (measured).
    ids.includes('proxy')
      ? services.proxy.stop(Math.max(options.drainMs, options.graceMs))
      : Promise.resolve()

  const stopEngine = async (options: StopOptions, drainEnds: number, startsBefore: number): Promise<void> => {
    const leftMs = drainEnds - Date.now()
    // Told by which of the two ended the wait, not by the clock again: a timer may fire a millisecond before it.
    let isOverdue = leftMs <= 0
    if (!isOverdue && isServing(services.llamaServer.state()))
      isOverdue =
        (await within(
          options.untilIdle().then(() => 'idle'),
          leftMs,
        )) === null
    if (engineStarts !== startsBefore) return
    // A Router that was stopped before has done so itself.
    if (isServing(services.llamaServer.state())) await options.park?.()
    if (engineStarts !== startsBefore) return
    // With a stream still open llama-server lives on until its next ping, up to 30 s (measured); all had their time.
    await services.llamaServer.stop(isOverdue ? Math.min(options.graceMs, overdueGraceMs) : options.graceMs)
  }

  return {
    states,
    start: async (ids) => {
      if (ids.includes('llamaServer')) engineStarts += 1
      const before = states()
      const begun = ids.filter(
        (id): id is 'llamaServer' | 'proxy' => id !== 'ramDisk' && !isServing(before[id]),
      )
      const startOne = async (id: CommandedId): Promise<void> => {
        const after = await (id === 'proxy' ? startRouter() : services[id].start())
        if (id === 'ramDisk' || after.phase !== 'failed') return
        await Promise.all(begun.filter((other) => other !== id).map(rollBack))
      }
      const rollBack = async (id: 'llamaServer' | 'proxy'): Promise<void> => {
        if (id === 'proxy') routerOrders += 1
        const order = routerOrders
        await services[id].stop(rollBackGraceMs)
        if (id === 'proxy' && order === routerOrders) await gateway?.stop(rollBackGraceMs)
      }
      await Promise.all(ids.map(startOne))
    },
    stop: async (ids, options) => {
      const drainEnds = Date.now() + options.drainMs
      const startsBefore = engineStarts
      if (ids.includes('proxy')) routerOrders += 1
      const order = routerOrders
      await stopProxy(ids, options)
      const stopsGateway = ids.includes('proxy') && options.keepGateway !== true && order === routerOrders
      const gatewayEnds = stopsGateway ? gateway?.stop(options.graceMs) : undefined
      if (ids.includes('llamaServer')) await stopEngine(options, drainEnds, startsBefore)
      await gatewayEnds
    },
    eject: (force) => services.ramDisk.eject({ force }),
    releaseGateway: async (isKept) => {
      if (gateway === null) return
      routerOrders += 1
      if (!isKept || gateway.state().phase === 'stopping') await gateway.stop(rollBackGraceMs)
    },
    adopt: async () => {
      const adopted: CommandedId[] = []
      if (await services.llamaServer.adopt()) adopted.push('llamaServer')
      await services.gateway.endStray()
      const hasGateway = (await gateway?.adopt()) === true
      if (await services.proxy.adopt()) {
        adopted.push('proxy')
        // It may have ended while no core was there to start it again.
        if (gateway !== null && !hasGateway) void startRouter()
      }
      // A mount table that cannot be read is no reason to leave running servers alone.
      const mounted = await services.ramDisk.read().then(
        (disk) => disk.mounted,
        () => false,
      )
      if (mounted) adopted.push('ramDisk')
      return adopted
    },
    close: () => {
      services.llamaServer.close()
      services.proxy.close()
      gateway?.close()
      return services.ramDisk.close()
    },
  }
}

const overdueGraceMs = 2_000
/** Nobody uses a stack that never was ready. */
const rollBackGraceMs = 3_000

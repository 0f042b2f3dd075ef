// The services together: start and stop order, and rolling back a start that failed half-way.

import type { CommandedId } from '../../contract/service-ids.ts'
import { isServing } from '../../contract/services.ts'
import type { ServiceState } from '../../contract/snapshot.ts'
import { within } from '../base/first-of.ts'
import type { RamDiskService } from '../forge/ram-disk-service.ts'
import type { Services } from '../observe/snapshot.ts'
import type { EjectOutcome } from '../platform/platform.ts'
import type { Supervisor } from '../supervise/supervisor.ts'

export interface StackServices {
  readonly ramDisk: RamDiskService
  readonly llamaServer: Supervisor
  readonly proxy: Supervisor
  /** Starts and stops with the Router. */
  readonly gateway: StackGateway
}

export interface StackGateway<Child extends Supervisor = Supervisor> {
  /** null: the profile has none. */
  readonly supervisor: Child | null
  /** Ends a gateway left by an earlier core when this profile has none. */
  endStray(): Promise<void>
}

export interface StopOptions {
  /** Time for running requests to finish; 0 ends them at once. */
  readonly drainMs: number
  readonly graceMs: number
  /** Settles when no slot is processing. */
  readonly untilIdle: () => Promise<void>
  /** Settles when conversations held only in the AI Engine's memory are saved to files. */
  readonly park?: () => Promise<void>
  /** The Router is restarting: the gateway stays and answers 502, which clients retry. */
  readonly keepGateway?: boolean
}

export interface Stack {
  states(): Services
  /**
   * Starts the named services in parallel, and the gateway once the Router serves: before, it could only answer 502. If one
   * server fails, the other is stopped again if this call started it, the gateway with the Router. A failed gateway stops
   * nothing: clients can reach the Router directly.
   */
  start(ids: readonly CommandedId[]): Promise<void>
  /**
   * Stops the Router first, so that clients get a clean end; then the AI Engine, unless a start overtakes. The RAM disk
   * stays. The gateway ends after the Router, in parallel with the AI Engine: the Router's last streams pass through it,
   * and new requests get 502 instead of a refused connection.
   */
  stop(ids: readonly CommandedId[], options: StopOptions): Promise<void>
  eject(force: boolean): Promise<EjectOutcome>
  /** Before another profile takes over: ends a gateway that is not kept, and waits for one that is ending. */
  releaseGateway(isKept: boolean): Promise<void>
  /** Takes over what an earlier core left running; returns those services. */
  adopt(): Promise<readonly CommandedId[]>
  /** Stops supervising; settles when no mount or eject is under way. */
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

  /** A stop still busy with the Router must not end an engine that was started since. */
  const engineStarts = createOrders()

  /** The gateway follows only the last order to the Router. */
  const routerOrders = createOrders()

  const startRouter = async (): Promise<ServiceState> => {
    const isLast = routerOrders.add()
    const router = await services.proxy.start()
    if (isServing(router) && isLast()) await gateway?.start()
    return router
  }

  const rollBack = {
    llamaServer: async () => void (await services.llamaServer.stop(rollBackGraceMs)),
    proxy: async () => {
      const isLast = routerOrders.add()
      await services.proxy.stop(rollBackGraceMs)
      if (isLast()) await gateway?.stop(rollBackGraceMs)
    },
  }

  /** Returns the end of the gateway, which nothing needs to wait for before the AI Engine ends too. */
  const stopRouter = async (options: StopOptions): Promise<{ readonly gatewayEnds: Promise<unknown> }> => {
    const isLast = routerOrders.add()
    // LiteLLM drains on SIGTERM by itself: it takes no new request and lets open streams finish (measured).
    await services.proxy.stop(Math.max(options.drainMs, options.graceMs))
    const stopsGateway = options.keepGateway !== true && isLast()
    return { gatewayEnds: Promise.resolve(stopsGateway ? gateway?.stop(options.graceMs) : undefined) }
  }

  const stopEngine = async (
    options: StopOptions,
    drainEnds: number,
    isUnstarted: () => boolean,
  ): Promise<void> => {
    const leftMs = drainEnds - Date.now()
    // Decided by what ended the wait, not by the clock: a timer may fire a millisecond early.
    let isOverdue = leftMs <= 0
    if (!isOverdue && isServing(services.llamaServer.state()))
      isOverdue = (await within(options.untilIdle(), leftMs)) === null
    if (!isUnstarted()) return
    // A Router that was stopped has parked them itself.
    if (isServing(services.llamaServer.state())) await options.park?.()
    if (!isUnstarted()) return
    // With an open stream llama-server stays until its next ping, up to 30 s (measured); the drain time is over.
    await services.llamaServer.stop(isOverdue ? Math.min(options.graceMs, overdueGraceMs) : options.graceMs)
  }

  return {
    states,
    start: async (ids) => {
      if (ids.includes('llamaServer')) engineStarts.add()
      const before = states()
      const begun = ids.filter(
        (id): id is 'llamaServer' | 'proxy' => id !== 'ramDisk' && !isServing(before[id]),
      )
      const startOne = async (id: CommandedId): Promise<void> => {
        const after = await (id === 'proxy' ? startRouter() : services[id].start())
        if (id === 'ramDisk' || after.phase !== 'failed') return
        await Promise.all(begun.filter((other) => other !== id).map((other) => rollBack[other]()))
      }
      await Promise.all(ids.map(startOne))
    },
    stop: async (ids, options) => {
      const drainEnds = Date.now() + options.drainMs
      const isUnstarted = engineStarts.watch()
      const router = ids.includes('proxy') ? await stopRouter(options) : null
      if (ids.includes('llamaServer')) await stopEngine(options, drainEnds, isUnstarted)
      await router?.gatewayEnds
    },
    eject: (force) => services.ramDisk.eject({ force }),
    releaseGateway: async (isKept) => {
      if (gateway === null) return
      routerOrders.add()
      if (!isKept || gateway.state().phase === 'stopping') await gateway.stop(rollBackGraceMs)
    },
    adopt: async () => {
      const adopted: CommandedId[] = []
      if (await services.llamaServer.adopt()) adopted.push('llamaServer')
      await services.gateway.endStray()
      const hasGateway = (await gateway?.adopt()) === true
      if (await services.proxy.adopt()) {
        adopted.push('proxy')
        // The gateway may have ended while no core ran to restart it.
        if (gateway !== null && !hasGateway) void startRouter()
      }
      try {
        if ((await services.ramDisk.read()).mounted) adopted.push('ramDisk')
      } catch {
        // An unreadable mount table must not keep us from adopting running servers.
      }
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

/** Orders to one service: each adds one, and one still under way can ask whether it was overtaken. */
const createOrders = () => {
  let count = 0
  /** Whether none was added since. */
  const watch = (): (() => boolean) => {
    const before = count
    return () => count === before
  }
  const add = () => {
    count += 1
    return watch()
  }
  return { watch, add }
}

const overdueGraceMs = 2_000
/** A stack that never became ready has no users. */
const rollBackGraceMs = 3_000

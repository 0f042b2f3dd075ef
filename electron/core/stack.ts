// The three services together: order of start and stop, and rolling back a start that failed half-way.
import type { ServiceId } from '../contract.ts'
import { within } from './deadline.ts'
import type { EjectOutcome } from './platform/platform.ts'
import type { RamDiskService } from './ram-disk-service.ts'
import { isServing, type Services } from './snapshot.ts'
import type { Supervisor } from './supervisor.ts'

export interface StackParts {
  readonly ramDisk: RamDiskService
  readonly llamaServer: Supervisor
  readonly proxy: Supervisor
}

export interface StopOptions {
  /** How long running requests may go on; 0 ends them at once. */
  readonly drainMs: number
  readonly graceMs: number
  /** Settles when no slot is processing any more. */
  readonly untilIdle: () => Promise<void>
}

export interface Stack {
  states(): Services
  /** Starts what is named, side by side. When one server fails, the other stops again if this call began it. */
  start(ids: readonly ServiceId[]): Promise<void>
  /**
   * The Router first, so that clients hear of a clean end; then the AI Engine, unless a start overtakes. The RAM disk
   * stays.
   */
  stop(ids: readonly ServiceId[], options: StopOptions): Promise<void>
  eject(force: boolean): Promise<EjectOutcome>
  /** Takes over what an earlier core left running; answers which services those were. */
  adopt(): Promise<readonly ServiceId[]>
  close(): void
}

export const createStack = (parts: StackParts): Stack => {
  const states = (): Services => ({
    ramDisk: parts.ramDisk.state(),
    llamaServer: parts.llamaServer.state(),
    proxy: parts.proxy.state(),
  })

  /** How often a start named the AI Engine: a stop that is still at the Router must not end what was asked for since. */
  let engineStarts = 0

  const stopProxy = (ids: readonly ServiceId[], options: StopOptions): Promise<unknown> =>
    // LiteLLM's own answer to SIGTERM is the drain: it takes no new request and lets open streams finish (measured).
    ids.includes('proxy') ? parts.proxy.stop(Math.max(options.drainMs, options.graceMs)) : Promise.resolve()

  return {
    states,
    start: async (ids) => {
      if (ids.includes('llamaServer')) engineStarts += 1
      const before = states()
      const begun = ids.filter(
        (id): id is 'llamaServer' | 'proxy' => id !== 'ramDisk' && !isServing(before[id]),
      )
      const startOne = async (id: ServiceId): Promise<void> => {
        const after = await parts[id].start()
        if (id === 'ramDisk' || after.phase !== 'failed') return
        await Promise.all(
          begun.filter((other) => other !== id).map((other) => parts[other].stop(rollBackGraceMs)),
        )
      }
      await Promise.all(ids.map(startOne))
    },
    stop: async (ids, options) => {
      const drainEnds = Date.now() + options.drainMs
      const startsBefore = engineStarts
      await stopProxy(ids, options)
      if (!ids.includes('llamaServer')) return
      const leftMs = drainEnds - Date.now()
      // Told by which of the two ended the wait, not by the clock again: a timer may fire a millisecond before it.
      let isOverdue = leftMs <= 0
      if (!isOverdue && isServing(parts.llamaServer.state()))
        isOverdue =
          (await within(
            options.untilIdle().then(() => 'idle'),
            leftMs,
          )) === null
      if (engineStarts !== startsBefore) return
      // With a stream still open llama-server lives on until its next ping, up to 30 s (measured); all had their time.
      await parts.llamaServer.stop(isOverdue ? Math.min(options.graceMs, overdueGraceMs) : options.graceMs)
    },
    eject: (force) => parts.ramDisk.eject({ force }),
    adopt: async () => {
      const adopted: ServiceId[] = []
      if (await parts.llamaServer.adopt()) adopted.push('llamaServer')
      if (await parts.proxy.adopt()) adopted.push('proxy')
      // A mount table that cannot be read is no reason to leave running servers alone.
      const mounted = await parts.ramDisk.read().then(
        (disk) => disk.mounted,
        () => false,
      )
      if (mounted) adopted.push('ramDisk')
      return adopted
    },
    close: () => {
      parts.llamaServer.close()
      parts.proxy.close()
    },
  }
}

const overdueGraceMs = 2_000
/** Nobody uses a stack that never was ready. */
const rollBackGraceMs = 3_000

// What the user ordered, for this core and the next: which services should run, and the restarts between stop and start.
import type { CommandedId } from '../../contract/service-ids.ts'
import type { LastOrders, Order } from '../../contract/snapshot.ts'
import type { Services } from '../observe/snapshot.ts'
import { readIntent, writeIntent } from '../stack/intent.ts'
import type { CommandedCore } from './commanded-core.ts'

export interface Orders {
  /** The services that the user last asked for. */
  wanted(): readonly CommandedId[]
  /** Whether the user forced the start although the profile did not fit. */
  wasForced(): boolean
  /** @param forced defaults to the earlier value, for when nothing new was started */
  remember(up: readonly CommandedId[], forced?: boolean): void
  want(ids: readonly CommandedId[], forced?: boolean): void
  last(): LastOrders
  note(ids: readonly CommandedId[], order: Order): void
  /**
   * The services that a restart is about to start. Between its stop and start (others still finishing, a profile being read)
   * such a service looks as if someone else had stopped it (seen: `nexus restart` ended with that message).
   */
  readonly restarting: Set<CommandedId>
  /** The services, with those of `restarting` shown as starting. */
  withRestart(services: Services): Services
}

export const createOrders = ({ folder, assembly }: Pick<CommandedCore, 'folder' | 'assembly'>): Orders => {
  const restarting = new Set<CommandedId>()
  let last: LastOrders = { ramDisk: null, llamaServer: null, proxy: null }
  const wanted = () => readIntent(folder.intentPath)?.up ?? []
  const wasForced = () => readIntent(folder.intentPath)?.forced === true
  const remember = (up: readonly CommandedId[], forced: boolean = wasForced()) => {
    const { profileName, profile } = assembly()
    writeIntent(folder.intentPath, {
      version: 1,
      up: [...up],
      profileName,
      profile,
      ...(forced ? { forced } : {}),
    })
  }
  return {
    wanted,
    wasForced,
    remember,
    want: (ids, forced) => remember([...new Set([...wanted(), ...ids])], forced),
    last: () => last,
    note: (ids, order) => {
      last = { ...last, ...Object.fromEntries(ids.map((id) => [id, order])) }
    },
    restarting,
    withRestart: (services) => {
      const shown = { ...services }
      for (const id of restarting)
        if (shown[id].phase === 'stopped')
          shown[id] = { ...shown[id], phase: 'starting', waitingFor: 'the running services to stop' }
      return shown
    },
  }
}

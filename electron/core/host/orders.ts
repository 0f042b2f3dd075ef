// What the user ordered, for this core and the next: which services should run, and the restarts between stop and start.
import type { CommandedId } from '../../contract/service-ids.ts'
import type { LastOrders, Order } from '../../contract/snapshot.ts'
import type { Services } from '../observe/snapshot.ts'
import { readIntent, writeIntent } from '../stack/intent.ts'
import type { CommandedCore } from './commanded-core.ts'

export type Orders = ReturnType<typeof createOrders>

export const createOrders = ({ folder, assembly }: Pick<CommandedCore, 'folder' | 'assembly'>) => {
  /**
   * The services that a restart is about to start. Between its stop and start (others still finishing, a profile being read)
   * such a service looks as if someone else had stopped it (seen: `nexus restart` ended with that message).
   */
  const restarting = new Set<CommandedId>()
  let last: LastOrders = { ramDisk: null, llamaServer: null, proxy: null }
  /** The services that the user last asked for. */
  const wanted = (): readonly CommandedId[] => readIntent(folder.intentPath)?.up ?? []
  /** Whether the user forced the start although the profile did not fit. */
  const wasForced = () => readIntent(folder.intentPath)?.forced === true
  /** @param forced defaults to the earlier value, for when nothing new was started */
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
    want: (ids: readonly CommandedId[], forced?: boolean) =>
      remember([...new Set([...wanted(), ...ids])], forced),
    last: () => last,
    note: (ids: readonly CommandedId[], order: Order) => {
      last = { ...last, ...Object.fromEntries(ids.map((id) => [id, order])) }
    },
    restarting,
    /** The services, with those of `restarting` shown as starting. */
    withRestart: (services: Services): Services => {
      const shown = { ...services }
      for (const id of restarting)
        if (shown[id].phase === 'stopped')
          shown[id] = { ...shown[id], phase: 'starting', waitingFor: 'the running services to stop' }
      return shown
    },
  }
}

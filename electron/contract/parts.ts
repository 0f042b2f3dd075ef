// The services of a snapshot: whether one serves, and together with its gateway for those who show them one after the other.
import { type PartId, partIds } from './service-ids.ts'
import type { ServiceState, Snapshot } from './snapshot.ts'

/** Whether it answers, well or badly. */
export const isServing = ({ phase }: Pick<ServiceState, 'phase'>): boolean =>
  phase === 'ready' || phase === 'degraded'

type Parts = Pick<Snapshot, 'services' | 'gateway'>

/** null: the profile has no gateway. */
export const readPart = ({ services, gateway }: Parts, id: PartId): ServiceState | null =>
  id === 'gateway' ? gateway : services[id]

/** The gateway only where the profile has one. */
export const presentParts = (
  snapshot: Parts,
): readonly { readonly id: PartId; readonly state: ServiceState }[] =>
  partIds.flatMap((id) => {
    const state = readPart(snapshot, id)
    return state === null ? [] : [{ id, state }]
  })

// The services of a snapshot: whether one serves, and those that there are.
import { type ServiceId, serviceIds } from './service-ids.ts'
import type { ServiceState, Snapshot } from './snapshot.ts'

/** Whether it answers, well or badly. */
export const isServing = ({ phase }: Pick<ServiceState, 'phase'>): boolean =>
  phase === 'ready' || phase === 'degraded'

type Services = Pick<Snapshot, 'services'>

/** null: the profile has none, which only a gateway can be. */
export const readService = ({ services }: Services, id: ServiceId): ServiceState | null =>
  services[id] ?? null

/** In the order in which people are shown them. */
export const presentServices = (
  snapshot: Services,
): readonly { readonly id: ServiceId; readonly state: ServiceState }[] =>
  serviceIds.flatMap((id) => {
    const state = readService(snapshot, id)
    return state === null ? [] : [{ id, state }]
  })

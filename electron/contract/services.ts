// Helpers for the services of a snapshot.
import { type ServiceId, serviceIds } from './service-ids.ts'
import type { ServiceState, Snapshot } from './snapshot.ts'

/** Whether it answers, even if degraded. */
export const isServing = ({ phase }: Pick<ServiceState, 'phase'>): boolean =>
  phase === 'ready' || phase === 'degraded'

type Services = Pick<Snapshot, 'services'>

/** null: the profile has no such service; only the gateway is optional. */
export const readService = ({ services }: Services, id: ServiceId): ServiceState | null =>
  services[id] ?? null

/** In display order. */
export const presentServices = (
  snapshot: Services,
): readonly { readonly id: ServiceId; readonly state: ServiceState }[] =>
  serviceIds.flatMap((id) => {
    const state = readService(snapshot, id)
    return state === null ? [] : [{ id, state }]
  })

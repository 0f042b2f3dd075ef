// The current place in the window. Pure.

import type { View } from '../electron/contract/notice.ts'
import type { ServiceId } from '../electron/contract/service-ids.ts'

export interface Place {
  readonly view: View
  /** Whether the Logs view shows the core's own log; a view names a service, so it can't name the core. */
  readonly coreLog: boolean
}

export const glance: View = { id: 'glance', service: null }

/** Asking for a view always leaves the core's own log. */
export const placeOf = (view: View): Place => ({ view, coreLog: false })

export const coreLogPlace: Place = { view: { id: 'logs', service: null }, coreLog: true }

/** The page of the Logs view: a service's or the core's. */
export const logAt = ({ view, coreLog }: Place): ServiceId | 'core' =>
  coreLog ? 'core' : (view.service ?? 'llamaServer')

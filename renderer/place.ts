// Where in the window we are. Pure.

import type { View } from '../electron/contract/notice.ts'
import type { ServiceId } from '../electron/contract/service-ids.ts'

export interface Place {
  readonly view: View
  /** Whether the Logs view shows the core's own log: a view names a service, so no view can name that one. */
  readonly coreLog: boolean
}

export const glance: View = { id: 'glance', service: null }

/** Another log than the core's own is shown by asking for its view, wherever that comes from. */
export const placeOf = (view: View): Place => ({ view, coreLog: false })

export const coreLogPlace: Place = { view: { id: 'logs', service: null }, coreLog: true }

/** Which service's, or the core's, page the Logs view shows. */
export const logAt = ({ view, coreLog }: Place): ServiceId | 'core' =>
  coreLog ? 'core' : (view.service ?? 'llamaServer')

// The message for a port of ours that another process holds.

import { type SupervisedId, serviceNames } from '../../contract/service-ids.ts'
import type { ForeignProcess } from '../../contract/snapshot.ts'

/** The profile key that changes the port. */
export const portSetting = (id: SupervisedId): string => (id === 'gateway' ? 'gateway.listen' : `${id}.port`)

/** Says what is known of the process and what to do; we never signal a process that is not ours. */
export const describePortTaken = (id: SupervisedId, port: number, owner: ForeignProcess): string => {
  const who = owner.command ?? 'a process that this user may not look at'
  const facts = [
    owner.pid === null ? null : `pid ${owner.pid}`,
    owner.user === null ? null : `user ${owner.user}`,
  ].filter((fact) => fact !== null)
  const known = facts.length === 0 ? '' : ` (${facts.join(', ')})`
  return `port ${port} of the ${serviceNames[id]} is held by ${who}${known}, which Nexus did not start: stop it, or set ${portSetting(id)} in the profile`
}

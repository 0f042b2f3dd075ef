// A core as other users of the machine see it: the same snapshots and history, plus what guest-rights allows.
import type { Command, Outcome } from '../../../contract/command.ts'
import { refuseCommand, refuseKeys, refuseLogs, refuseQuery } from '../../../contract/guest-rights.ts'
import { serviceNames } from '../../../contract/service-ids.ts'
import type { CoreLink } from '../core-link.ts'

/** The parts of a core that guests reach. */
export interface GuestedCore extends Pick<CoreLink, 'readSnapshot' | 'watch' | 'watchHistory' | 'ask'> {
  dispatchForGuest(command: Command): Promise<Outcome>
}

/** `owner`: the core's owner, named in refusals. */
export const guestLink = (core: GuestedCore, owner: string): CoreLink => ({
  readSnapshot: core.readSnapshot,
  watch: core.watch,
  watchHistory: core.watchHistory,
  dispatch: async (command) => {
    const reason = refuseCommand(command, owner)
    return reason === null ? core.dispatchForGuest(command) : { accepted: false, reason }
  },
  ask: async (query) => {
    const reason = refuseQuery(query, owner)
    if (reason !== null) throw new Error(reason)
    return core.ask(query)
  },
  followLog: () => {
    throw new Error(refuseLogs(owner))
  },
  keep: () => () => {},
  readSnippet: async () => {
    throw new Error(refuseKeys(owner))
  },
})

/** For the owner, to show why the stack stopped. Without a name: Node doesn't tell a socket's peer. */
export const describeGuestCommand = (command: Command): string => {
  const only = 'only' in command ? command.only : null
  const what = only === null ? 'everything' : `the ${serviceNames[only]}`
  return `Another user of this machine asked to ${command.type} ${what}`
}

// Which other users may attach to the core, and what is in the folder of shared sockets.
import type { Guests } from '../../contract/config.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { defaultGuests } from '../control/guests/guest-socket.ts'
import { readSharedFolder, type SharedSocket } from '../control/guests/read-shared-folder.ts'
import { readOwnUid, readUserName } from '../platform/user-name.ts'
import { type CheckSource, ok, type Verdict, warn } from './check.ts'

export interface GuestFacts {
  readonly guests: Guests
  readonly coreRuns: boolean
  readonly sockets: readonly SharedSocket[]
  readonly uid: number
  /** Names of the other users with a trustworthy socket there. */
  readonly others: readonly string[]
}

export const judgeGuests = ({ guests, coreRuns, sockets, uid, others }: GuestFacts): Verdict => {
  const strange = sockets.find(({ distrust }) => distrust !== null)
  if (strange !== undefined)
    // In a sticky folder only root may delete another user's file (unlink(2)).
    return warn(
      `${strange.path} ${strange.distrust}: Nexus ignores it`,
      `sudo rm ${quoteForShell(strange.path)}`,
    )
  const beside = others.length === 0 ? '' : `; also shared by ${others.join(' and ')}`
  if (guests === 'none')
    return ok(`no other user may attach; "guests" in the config allows a group, or everyone${beside}`)
  const who = guests === 'everyone' ? 'everyone on this machine' : `the group ${guests.group}`
  if (coreRuns && !sockets.some((socket) => socket.uid === uid))
    return warn(
      `${who} may attach, but this core has no socket for them: its log says why`,
      'nexus logs core',
    )
  return ok(`${who} may see, start and stop the stack, without keys or settings${beside}`)
}

export const checksOnGuests: readonly CheckSource[] = [
  {
    id: 'core.guests',
    title: 'Other users',
    why: 'a second stack on this machine would need the same ports and memory',
    read: async ({ folder: { sharedDir }, platform, config, core }) => {
      if (sharedDir === null) return null
      const sockets = readSharedFolder(sharedDir)
      const uid = readOwnUid()
      const others = sockets.filter((socket) => socket.distrust === null && socket.uid !== uid)
      return judgeGuests({
        guests: config.guests ?? defaultGuests(platform.id),
        coreRuns: (await core()).kind === 'attached',
        sockets,
        uid,
        others: await Promise.all(others.map((other) => readUserName(other.uid))),
      })
    },
  },
]

// Checks on the core, services without a core, failed services, and which other users may attach.

import type { Guests } from '../../contract/config.ts'
import type { Profile } from '../../contract/profile.ts'
import { type ServiceId, serviceNames } from '../../contract/service-ids.ts'
import { presentServices } from '../../contract/services.ts'
import type { ServiceState, Snapshot } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { chooseProfile } from '../config/profiles.ts'
import { isLockHeld, readLockOwner } from '../control/core-lock.ts'
import { defaultGuests } from '../control/guests/guest-socket.ts'
import { readSharedFolder, type SharedSocket } from '../control/guests/shared-folder.ts'
import { readOwnUid, readUserName } from '../platform/user-name.ts'
import { readIntent } from '../stack/intent.ts'
import type { LedgerEntry } from '../supervise/ledger.ts'
import { type CheckSource, fail, ok, type Verdict, warn } from './check.ts'
import type { CoreReading, DoctorFacts } from './facts.ts'

export interface CoreFacts {
  readonly core: CoreReading
  /** The process that holds the lock; null when it is free. */
  readonly lockPid: number | null
  readonly running: readonly Pick<LedgerEntry, 'service' | 'pid'>[]
  /** The running profile as the config defines it now; null when nothing runs or the config has no such profile. */
  readonly configured: Profile | null
  readonly started: Profile | null
  readonly up: string
}

export const judgeCore = ({ core, lockPid, running, configured, started, up }: CoreFacts): Verdict => {
  // Killing a core leaves its services running, and the next core adopts them. A hung core ignores SIGTERM; the kernel
  // releases its lock.
  const replace = lockPid === null ? 'nexus up' : `kill -9 ${lockPid} && nexus up`
  switch (core.kind) {
    case 'none': {
      if (lockPid !== null)
        return warn(
          `a core (pid ${lockPid}) holds the lock but does not listen: it is starting, or stuck`,
          replace,
        )
      const list = running.map(({ service, pid }) => `${serviceNames[service]} (pid ${pid})`)
      return list.length === 0
        ? ok('not running; nexus up starts it')
        : warn(`${list.join(' and ')} without a core: a crash would not be restarted`, replace)
    }
    case 'silent':
      return warn(
        `a core${lockPid === null ? '' : ` (pid ${lockPid})`} holds the control socket but does not answer`,
        replace,
      )
    case 'strange':
      return warn(core.reason, replace)
    case 'attached': {
      const { owner, profile } = core.snapshot
      const said = `pid ${owner.pid}, profile ${profile}`
      const changed =
        configured !== null && started !== null && JSON.stringify(configured) !== JSON.stringify(started)
      return changed
        ? warn(`${said}, whose settings have changed since it started`, `nexus down && ${up}`)
        : ok(said)
    }
  }
}

export const judgeServices = (
  snapshot: Pick<Snapshot, 'overall' | 'services' | 'proof' | 'proofFailure'>,
): Verdict => {
  const { overall, proof, proofFailure } = snapshot
  const troubled = presentServices(snapshot).filter(
    ({ state: { phase } }) => phase === 'failed' || phase === 'degraded',
  )
  const say = (those: typeof troubled) =>
    those
      .map(
        ({ id, state: { phase, reason } }) => `${serviceNames[id]} ${phase}: ${reason ?? 'no reason given'}`,
      )
      .join('; ')
  const needed = troubled.filter(({ id }) => id !== 'gateway')
  const failed = needed.filter(({ state }) => state.phase === 'failed')
  if (failed[0] !== undefined) return fail(say(failed), mendService(failed[0]))
  if (needed[0] !== undefined) return warn(say(needed), mendService(needed[0]))
  if (proofFailure !== null) return fail(`the test request failed: ${proofFailure}`, 'nexus logs proxy')
  // Clients can still use the Router's own address.
  if (troubled[0] !== undefined) return warn(say(troubled), mendService(troubled[0]))
  const proved =
    proof === null ? 'no test request yet' : `a test request was answered in ${proof.milliseconds} ms`
  return ok(`${overall}; ${proved}`)
}

/** A server that ran and then crashed until the supervisor gave up deserves another try; if it never ran, read its log. */
const mendService = ({ id, state }: { readonly id: ServiceId; readonly state: ServiceState }): string => {
  const { phase, restarts } = state
  if (id === 'ramDisk') return 'nexus up --only ramDisk'
  return phase === 'failed' && restarts > 0 && id !== 'gateway' ? `nexus restart ${id}` : `nexus logs ${id}`
}

/** null when the profile's file is gone. */
const readConfigured = ({ config, folder }: DoctorFacts, name: string): Profile | null => {
  try {
    return chooseProfile(config, name, folder.runtimeDir).profile
  } catch {
    return null
  }
}

const readCoreFacts = async (facts: DoctorFacts): Promise<CoreFacts> => {
  const { folder, platform } = facts
  const core = await facts.core()
  const owner = readLockOwner(folder.lockPath)
  // The file outlives its writer, and the pid may have been reused: trust it only while the lock is held.
  const alive =
    owner !== null &&
    (await platform.processes.readIdentity(owner.pid)) !== null &&
    isLockHeld(folder.lockPath)
  const intent = readIntent(folder.intentPath)
  const isRunning = core.kind === 'attached' && intent?.profileName === core.snapshot.profile
  return {
    core,
    lockPid: alive ? owner.pid : null,
    running: await facts.running(),
    configured: isRunning ? readConfigured(facts, core.snapshot.profile) : null,
    started: isRunning ? intent.profile : null,
    up: facts.upCommand,
  }
}

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

export const checksOnCore: readonly CheckSource[] = [
  {
    id: 'core.owner',
    title: 'Core',
    why: 'one core owns the stack; services without one are not restarted when they crash',
    read: async (facts) => judgeCore(await readCoreFacts(facts)),
  },
  {
    id: 'core.stack',
    title: 'Stack',
    why: 'only an answered test request proves that clients are served',
    read: async (facts) => {
      const core = await facts.core()
      return core.kind === 'attached' ? judgeServices(core.snapshot) : null
    },
  },
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

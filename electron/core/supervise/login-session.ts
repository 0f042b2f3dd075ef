// The login session that a process of ours runs in. On macOS a process outlives its session's logout, but in a dead session:
// user and host lookups fail and Metal stops compiling, while /health stays fine (codex#36696, orca#9826, herdr#2656).
// So such a server is restarted instead of adopted. Linux has nothing of the kind.
import { serviceNames, supervisedIds } from '../../contract/service-ids.ts'
import type { LogError } from '../logs/core-log.ts'
import type { Launchd } from '../platform/launchd/launchd.ts'
import type { LaunchdDomain } from '../platform/launchd/reading.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { endEarlier } from './child-process.ts'
import { identityOf, type LoginSession, openLedger } from './ledger.ts'
import { isSameProcess } from './life-look.ts'

export interface LoginSessions {
  /** This process's session; null when unknown, or when the session cannot end. */
  readOwn(): Promise<LoginSession | null>
  /** True only when certain: a failed lookup must not unload 78 GB of weights. */
  hasEnded(session: LoginSession): Promise<boolean>
}

export interface LaunchdSessionOptions {
  readonly launchd: Pick<Launchd, 'find' | 'readSession' | 'isAtScreen'>
  readonly uid: number
  readonly pid: number
  /** The launchd label of this process's job (recorded: XPC_SERVICE_NAME in its environment); null when it is no job. */
  readonly jobLabel: string | null
}

export const createLaunchdSessions = ({
  launchd,
  uid,
  pid,
  jobLabel,
}: LaunchdSessionOptions): LoginSessions => {
  const readJob = async (label: string): Promise<LoginSession | null> => {
    const search = await launchd.find(label)
    const places = search.kind === 'found' ? search.places : []
    const own = places.find(({ job }) => job?.pid === pid)
    return own === undefined ? null : toSession(own.domain, own.job?.asid ?? null)
  }
  /** A core in a terminal belongs to the screen's session. One over SSH has another session, which we don't read. */
  const readScreen = async (): Promise<LoginSession | null> => {
    const domain: LaunchdDomain = `gui/${uid}`
    if (!(await launchd.isAtScreen())) return null
    const asid = await launchd.readSession(domain)
    return toSession(domain, asid === 'gone' ? null : asid)
  }
  return {
    readOwn: async () => (jobLabel === null ? null : await readJob(jobLabel)) ?? (await readScreen()),
    hasEnded: async ({ domain, asid }) => {
      const present = await launchd.readSession(toDomain(domain))
      return present === 'gone' || (present !== null && present !== asid)
    },
  }
}

/** The system domain ends only with the machine. */
const toSession = (domain: LaunchdDomain, asid: number | null): LoginSession | null =>
  domain === 'system' || asid === null || asid === 0 ? null : { domain, asid }

const toDomain = (domain: LoginSession['domain']): LaunchdDomain => {
  const [kind, uid] = domain.split('/')
  return kind === 'gui' ? `gui/${Number(uid)}` : `user/${Number(uid)}`
}

/** Time for running requests; their session is already dead. */
const graceMs = 5_000

/**
 * Ends the servers that an earlier core started in a session that is now gone, so that they get a fresh start. The caller
 * holds the core lock.
 */
export const endServersOfEndedSessions = async (
  ledgerPath: string,
  processes: ProcessTable,
  sessions: LoginSessions,
  logError: LogError,
): Promise<void> => {
  const ledger = openLedger(ledgerPath, logError)
  for (const id of supervisedIds) {
    const entry = ledger.find(id)
    if (entry?.session == null || !(await sessions.hasEnded(entry.session))) continue
    const identity = identityOf(entry)
    if (await isSameProcess(identity, processes)) {
      const name = `the ${serviceNames[id]} (pid ${entry.pid})`
      logError(new Error(`${name} was started in a login session that has ended: restarting it`))
      // If it survives this, the supervisor ends it instead of adopting it.
      ledger.markEnding(id)
    }
    if (await endEarlier(identity, graceMs, processes)) ledger.forget(id)
  }
}

// Checks on the core, services without a core, failed services, and the seed's old screen sessions.

import type { Profile } from '../../contract/profile.ts'
import { type CommandedId, commandedIds, serviceNames } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { chooseProfile } from '../config/profiles.ts'
import { isLockHeld, readLockOwner } from '../control/core-lock.ts'
import type { CommandResult } from '../platform/run-command.ts'
import { isLiveSession, parseScreenList } from '../platform/screen-sessions.ts'
import { readIntent } from '../stack/intent.ts'
import type { LedgerEntry } from '../supervise/ledger.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import type { CoreReading, DoctorFacts } from './facts.ts'

export interface CoreFacts {
  readonly core: CoreReading
  /** The process that holds the lock; null when it is free. */
  readonly lockPid: number | null
  /** The running profile as the config defines it now; null when nothing runs or the config has no such profile. */
  readonly configured: Profile | null
  readonly started: Profile | null
  readonly up: string
}

export const judgeCore = ({ core, lockPid, configured, started, up }: CoreFacts): Verdict => {
  // Killing a core leaves its services running, and the next core adopts them. A hung core ignores SIGTERM; the kernel
  // releases its lock.
  const replace = lockPid === null ? 'nexus up' : `kill -9 ${lockPid} && nexus up`
  switch (core.kind) {
    case 'none':
      return lockPid === null
        ? ok('not running; nexus up starts it')
        : warn(
            `a core (pid ${lockPid}) holds the lock but does not listen: it is starting, or stuck`,
            replace,
          )
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

export const judgeOrphans = (running: readonly LedgerEntry[], coreRuns: boolean): Verdict => {
  if (running.length === 0) return ok('none running')
  const list = running.map(({ service, pid }) => `${serviceNames[service]} (pid ${pid})`).join(' and ')
  return coreRuns
    ? ok(`${list}, watched by the core`)
    : warn(`${list} without a core: a crash would not be restarted`, 'nexus up')
}

export const judgeServices = (
  snapshot: Pick<Snapshot, 'overall' | 'services' | 'proof' | 'proofFailure'>,
): Verdict => {
  const { overall, services, proof, proofFailure } = snapshot
  const { gateway } = services
  const say = (id: CommandedId) =>
    `${serviceNames[id]} ${services[id].phase}${services[id].reason === null ? '' : `: ${services[id].reason}`}`
  const failed = commandedIds.filter((id) => services[id].phase === 'failed')
  const first = failed[0]
  if (first !== undefined)
    return fail(failed.map(say).join('; '), mendFailed(first, services[first].restarts))
  const degraded = commandedIds.find((id) => services[id].phase === 'degraded')
  if (degraded !== undefined) {
    return warn(
      say(degraded),
      degraded === 'ramDisk' ? 'nexus up --only ramDisk' : `nexus logs ${degraded} --follow`,
    )
  }
  if (proofFailure !== null) return fail(`the test request failed: ${proofFailure}`, 'nexus logs proxy')
  if (gateway?.phase === 'failed' || gateway?.phase === 'degraded')
    return warn(
      `${serviceNames.gateway} ${gateway.phase}: ${gateway.reason ?? 'no reason given'}`,
      'nexus logs gateway',
    )
  const proved =
    proof === null ? 'no test request yet' : `a test request was answered in ${proof.milliseconds} ms`
  return ok(`${overall}; ${proved}`)
}

/** A service that ran and then crashed until the supervisor gave up deserves another try; if it never ran, read its log. */
const mendFailed = (id: CommandedId, restarts: number): string => {
  if (id === 'ramDisk') return 'nexus up --only ramDisk'
  return restarts > 0 ? `nexus restart ${id}` : `nexus logs ${id}`
}

const seedSessions = ['ai-engine', 'proxy']

export const judgeScreens = (result: CommandResult): Verdict => {
  if (result.kind === 'not-run') {
    return /ENOENT/.test(result.reason) ? ok('screen is not installed') : unknown(result.reason, 'screen -ls')
  }
  const sessions = parseScreenList(`${result.stdout}\n${result.stderr}`)
  if (sessions === null) return unknown('could not parse the output of screen -ls', 'screen -ls')
  const old = sessions.filter(({ name }) => seedSessions.includes(name))
  if (old.length === 0) return ok('none of the old start script')
  const live = old.filter(isLiveSession)
  const gone = old.filter((session) => !isLiveSession(session))
  const found = [
    live.length === 0 ? null : `${live.map(({ name, pid }) => `${name} (${pid})`).join(' and ')} still runs`,
    gone.length === 0
      ? null
      : `${gone.map(({ name, pid, status }) => `${name} (${pid}, ${status})`).join(' and ')} is listed but no longer responds`,
  ]
  const mends = [
    ...live.map(({ name, pid }) => `screen -S ${pid}.${name} -X quit`),
    // -X quit doesn't reach a dead session; -wipe removes its socket (screen(1)).
    ...(gone.length === 0 ? [] : ['screen -wipe']),
  ]
  return warn(`the old start script's ${found.filter((part) => part !== null).join('; ')}`, mends.join('; '))
}

const readCoreFacts = async (context: DoctorContext, facts: DoctorFacts): Promise<CoreFacts> => {
  const { folder, platform } = context
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
    configured: isRunning ? readConfigured(context, core.snapshot.profile) : null,
    started: isRunning ? intent.profile : null,
    up: context.upCommand,
  }
}

/** null when the profile's file is gone. */
const readConfigured = ({ config, folder }: DoctorContext, name: string): Profile | null => {
  try {
    return chooseProfile(config, name, folder.runtimeDir).profile
  } catch {
    return null
  }
}

export const checksOnCore = (context: DoctorContext, facts: DoctorFacts): readonly CheckSource[] => [
  {
    id: 'core.owner',
    group: 'Core',
    title: 'Core',
    why: 'one core owns the stack; services it does not know are unsupervised',
    read: async () => judgeCore(await readCoreFacts(context, facts)),
  },
  {
    id: 'core.children',
    group: 'Core',
    title: 'Our services',
    why: 'a service without a core is not restarted when it crashes',
    read: async () => judgeOrphans(await facts.running(), (await facts.core()).kind !== 'none'),
  },
  {
    id: 'core.stack',
    group: 'Core',
    title: 'Stack',
    why: 'only an answered test request proves that clients are served',
    read: async () => {
      const core = await facts.core()
      return core.kind === 'attached' ? judgeServices(core.snapshot) : null
    },
  },
  {
    id: 'core.screen',
    group: 'Core',
    title: 'Screen sessions',
    why: 'they hold the ports and the memory that the stack needs',
    read: async () => judgeScreens(await context.run(['screen', '-ls'], { timeoutMs: 2_000 })),
  },
]

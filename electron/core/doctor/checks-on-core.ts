// Checks on who runs things: the core, services without one, services that failed, and the seed's old screen sessions.

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
  /** The process that holds the lock; null when nobody does. */
  readonly lockPid: number | null
  /** What the config would start now under the name of the profile that runs; null when nothing runs or it has none. */
  readonly configured: Profile | null
  readonly started: Profile | null
  readonly up: string
}

export const judgeCore = ({ core, lockPid, configured, started, up }: CoreFacts): Verdict => {
  // Ending a core leaves its services running, and the next one adopts them. One that hangs hears no SIGTERM; the lock
  // is the kernel's, so nothing of it stays behind.
  const replace = lockPid === null ? 'nexus up' : `kill -9 ${lockPid} && nexus up`
  switch (core.kind) {
    case 'none':
      return lockPid === null
        ? ok('none runs; nexus up starts one')
        : warn(
            `a core (pid ${lockPid}) holds the lock but listens nowhere: it is just starting, or stuck`,
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
        ? warn(`${said}, whose settings were changed since it started`, `nexus down && ${up}`)
        : ok(said)
    }
  }
}

export const judgeOrphans = (running: readonly LedgerEntry[], coreRuns: boolean): Verdict => {
  if (running.length === 0) return ok('no service of ours runs')
  const list = running.map(({ service, pid }) => `${serviceNames[service]} (pid ${pid})`).join(' and ')
  return coreRuns
    ? ok(`${list}, watched by the core`)
    : warn(`${list} without a core: nobody restarts a crash`, 'nexus up')
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
  if (proofFailure !== null) return fail(`no Claude request came back: ${proofFailure}`, 'nexus logs proxy')
  if (gateway?.phase === 'failed' || gateway?.phase === 'degraded')
    return warn(
      `${serviceNames.gateway} ${gateway.phase}: ${gateway.reason ?? 'it did not say why'}`,
      'nexus logs gateway',
    )
  const proved =
    proof === null
      ? 'no Claude request was proved yet'
      : `a Claude request came back in ${proof.milliseconds} ms`
  return ok(`${overall}; ${proved}`)
}

/** It ran and crashed until the supervisor gave up: worth another try. Failed at once: its log says why. */
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
  if (sessions === null) return unknown('screen -ls says something that is not understood', 'screen -ls')
  const old = sessions.filter(({ name }) => seedSessions.includes(name))
  if (old.length === 0) return ok('none of the old start script')
  const live = old.filter(isLiveSession)
  const gone = old.filter((session) => !isLiveSession(session))
  const found = [
    live.length === 0 ? null : `${live.map(({ name, pid }) => `${name} (${pid})`).join(' and ')} still runs`,
    gone.length === 0
      ? null
      : `${gone.map(({ name, pid, status }) => `${name} (${pid}, ${status})`).join(' and ')} is listed but answers no more`,
  ]
  const mends = [
    ...live.map(({ name, pid }) => `screen -S ${pid}.${name} -X quit`),
    // -X quit reaches nobody there; -wipe takes the socket away (screen(1)).
    ...(gone.length === 0 ? [] : ['screen -wipe']),
  ]
  return warn(`the old start script's ${found.filter((part) => part !== null).join('; ')}`, mends.join('; '))
}

const readCoreFacts = async (context: DoctorContext, facts: DoctorFacts): Promise<CoreFacts> => {
  const { folder, platform } = context
  const core = await facts.core()
  const owner = readLockOwner(folder.lockPath)
  // The file outlives its writer, whose pid may be another's by now: only a held lock makes it true.
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

/** A profile file may be gone by now: then there is nothing to compare. */
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
    why: 'one core owns the stack; what it does not know, nobody supervises',
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
    why: 'only a Claude request that came back shows that clients are served',
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

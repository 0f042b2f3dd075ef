// The core as a launchd agent, or as a daemon that root installs. Tested only against an imitation of launchctl
// (platform/test-support/mac-launchd.ts), never on a Mac.
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { readFileOrNull, writeBeside } from '../base/private-file.ts'
import { noSession } from '../platform/launchd/exit-codes.ts'
import { createLaunchd, type LaunchdOptions } from '../platform/launchd/launchd.ts'
import { type LaunchdJobSpec, renderLaunchdPlist } from '../platform/launchd/plist.ts'
import { describeProtectedFolder } from '../platform/launchd/protected-folder.ts'
import type { JobReading, LaunchdDomain } from '../platform/launchd/reading.ts'
import type { Autostart, AutostartSpec, UninstallOutcome } from './autostart.ts'

export interface LaunchdAutostartOptions extends LaunchdOptions {
  readonly userName: string
  readonly homeDir: string
  /** The folder of the daemon's plist, which the user installs with sudo. */
  readonly stateDir: string
  /** Whether servers are running that this job's core may have started: they may end with it (launchd.ts, `mayUnload`). */
  readonly serversLive: () => Promise<boolean>
}

const launchdLabel = 'ai.opta.nexus'
const daemonPath = `/Library/LaunchDaemons/${launchdLabel}.plist`
const daemonTarget = `system/${launchdLabel}`
const daemonRemoval = `it is a system daemon, which only root can remove: sudo launchctl bootout ${daemonTarget} && sudo rm ${daemonPath}`

export const createLaunchdAutostart = (options: LaunchdAutostartOptions): Autostart => {
  const { uid, homeDir, serversLive } = options
  const launchd = createLaunchd(options)
  const unitPath = join(homeDir, 'Library', 'LaunchAgents', `${launchdLabel}.plist`)
  const domain: LaunchdDomain = `gui/${uid}`
  const readAgent = () => launchd.read(domain, launchdLabel)
  const hasDaemon = async (): Promise<boolean> =>
    (await launchd.read('system', launchdLabel)).kind === 'loaded'

  return {
    install: async (given) => {
      if (await hasDaemon()) return { kind: 'installed', already: true, unitPath: daemonPath, notes: [] }
      const spec = jobSpec(given, null)
      const plist = renderLaunchdPlist(spec)
      const same = readFileOrNull(unitPath) === plist
      const before = await readAgent()
      if (before.kind === 'unknown') return { kind: 'failed', reason: before.reason }
      const notes = [...describeProtectedFolder(given.argv, homeDir), ...daemonNotes(options, given)]
      const isLoaded = before.kind === 'loaded'
      if (same && isLoaded && before.job?.pid != null)
        return { kind: 'installed', already: true, unitPath, notes }
      const live = await serversLive()
      writePlist(unitPath, plist)
      if (isLoaded && before.job?.pid != null && live)
        return { kind: 'written', reason: replacedLater, unitPath, notes }
      if (isLoaded && !live) {
        const left = await launchd.unload(domain, launchdLabel)
        if (left !== null) return { kind: 'failed', reason: left }
      }
      const request = { spec, plistPath: unitPath, mayUnload: !live, domains: [domain] }
      const started = await launchd.start(request)
      switch (started.kind) {
        case 'runs':
          return { kind: 'installed', already: same && isLoaded, unitPath, notes }
        case 'no-domain':
          return { kind: 'written', reason: noSession, unitPath, notes }
        case 'ended':
          return { kind: 'failed', reason: `it exited right away with ${started.lastExit}: nexus logs core` }
        case 'failed':
          return started
      }
    },
    uninstall: async (): Promise<UninstallOutcome> => {
      const loaded = await readAgent()
      if (loaded.kind === 'unknown') return { kind: 'failed', reason: loaded.reason }
      const isLoaded = loaded.kind === 'loaded'
      // Without its plist launchd does not load it at the next login.
      const had = readFileOrNull(unitPath) !== null
      rmSync(unitPath, { force: true })
      rmSync(daemonPlistPath(options), { force: true })
      const take = async () =>
        (await serversLive()) ? launchd.end(domain, launchdLabel) : launchd.unload(domain, launchdLabel)
      const left = isLoaded ? await take() : null
      if (left !== null) return { kind: 'failed', reason: left }
      const daemon = await hasDaemon()
      if (!had && !isLoaded)
        return daemon ? { kind: 'failed', reason: daemonRemoval } : { kind: 'not-installed' }
      return {
        kind: 'removed',
        notes: daemon ? [`The system daemon (${daemonPath}) stays and runs the core.`] : [],
      }
    },
    read: async () => {
      const asDaemon = await hasDaemon()
      const loaded = await launchd.read(asDaemon ? 'system' : domain, launchdLabel)
      const job = loaded.kind === 'loaded' ? loaded.job : null
      const isKnown = loaded.kind !== 'unknown' && !(loaded.kind === 'loaded' && job === null)
      const isRunning = job?.state === 'running'
      return {
        installed: asDaemon || readFileOrNull(unitPath) !== null,
        unitPath: asDaemon ? daemonPath : unitPath,
        loaded: loaded.kind === 'unknown' ? null : loaded.kind === 'loaded',
        running: isKnown ? isRunning : null,
        pid: job?.pid ?? null,
        // A job that ran and is gone has ended, even if launchd omits how.
        lastExit:
          job?.lastExit ??
          (!isRunning && (job?.runs ?? 0) > 0 ? 'an exit that launchd does not report' : null),
        reason: sayWhyUnknown(loaded),
      }
    },
  }
}

const replacedLater =
  "replacing it now might end the running core's servers; it takes effect at the next login, or after nexus down and another nexus service install"

const jobSpec = ({ argv, env, logPath }: AutostartSpec, userName: string | null): LaunchdJobSpec => ({
  label: launchdLabel,
  argv,
  env,
  logPath,
  lifetime: 'restarted',
  userName,
})

const sayWhyUnknown = (loaded: JobReading): string | null => {
  switch (loaded.kind) {
    case 'unknown':
      return loaded.reason
    case 'no-domain':
      return noSession
    case 'loaded':
      return loaded.job === null ? 'could not parse the output of launchctl print' : null
    case 'not-loaded':
      return null
  }
}

/**
 * launchd refuses a plist that others may write, and reads it as the job's user (launchd.plist(5)). A new file each time, as in
 * start-by-launchd.ts: macOS 27 refuses a quarantined one, and overwriting a file doesn't remove its quarantine.
 */
const writePlist = (path: string, plist: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeBeside(path, plist, { mode: 0o644, about: 'lasting', mayReplace: () => true })
}

const daemonPlistPath = ({ stateDir }: LaunchdAutostartOptions): string =>
  join(stateDir, `${launchdLabel}.daemon.plist`)

/** Agents start at login. To start without a login, a daemon is needed, which only root can install. */
const daemonNotes = (options: LaunchdAutostartOptions, spec: AutostartSpec): readonly string[] => {
  const path = daemonPlistPath(options)
  writePlist(path, renderLaunchdPlist(jobSpec(spec, options.userName)))
  return [
    'It starts when you log in. To start it before any login, install it as a daemon, then remove the agent:',
    `sudo install -m 0644 -o root -g wheel ${quoteForShell(path)} ${daemonPath}`,
    `sudo launchctl bootstrap system ${daemonPath}`,
    'nexus service uninstall',
  ]
}

// The core as a launchd agent. Never run on a Mac: driven by commands that answer as recorded.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quoteForShell } from '../../shell-quote.ts'
import { type CommandResult, describeFailure, type RunCommand } from '../platform/run-command.ts'
import { readFileOrNull } from '../private-file.ts'
import type { Autostart, AutostartSpec, InstallOutcome, UninstallOutcome } from './autostart.ts'
import { launchdLabel, renderLaunchdPlist } from './launchd-plist.ts'
import { type LaunchdJob, parseLaunchctlPrint } from './launchd-print.ts'

export interface LaunchdOptions {
  readonly run: RunCommand
  readonly uid: number
  readonly userName: string
  readonly homeDir: string
  /** Where the daemon's plist is laid out for the user to install with sudo. */
  readonly stateDir: string
  readonly pollMs?: number
}

type Loaded =
  | { readonly kind: 'loaded'; readonly job: LaunchdJob | null }
  | { readonly kind: 'not-loaded' }
  /** Nobody is logged in at the screen, so there is no domain for agents. */
  | { readonly kind: 'no-session' }
  | { readonly kind: 'unknown'; readonly reason: string }

const daemonPath = `/Library/LaunchDaemons/${launchdLabel}.plist`
const daemonTarget = `system/${launchdLabel}`
const daemonRemoval = `it is a daemon of the machine, which only root removes: sudo launchctl bootout ${daemonTarget} && sudo rm ${daemonPath}`
/** bootout answers before the job is gone, and a bootstrap that comes too early fails with error 5. */
const goneWithinMs = 10_000
const noSession = 'nobody is logged in at the screen, so launchd has no place for agents now (error 125)'

export const createLaunchdAutostart = (options: LaunchdOptions): Autostart => {
  const { run, uid, homeDir } = options
  const unitPath = join(homeDir, 'Library', 'LaunchAgents', `${launchdLabel}.plist`)
  const domain = `gui/${uid}`
  const target = `${domain}/${launchdLabel}`

  const readLoaded = async (job = target): Promise<Loaded> => {
    const result = await run(['launchctl', 'print', job])
    if (result.kind === 'exited' && result.exitCode === 0)
      return { kind: 'loaded', job: parseLaunchctlPrint(result.stdout) }
    if (isNoSession(result)) return { kind: 'no-session' }
    if (result.kind === 'exited' && result.exitCode === 113) return { kind: 'not-loaded' }
    return { kind: 'unknown', reason: `launchctl print: ${describeFailure(result)}` }
  }

  /** null when it is gone; else why it is not. */
  const unload = async (): Promise<string | null> => {
    const result = await run(['launchctl', 'bootout', target], { timeoutMs: 30_000 })
    const deadline = Date.now() + goneWithinMs
    for (;;) {
      const loaded = await readLoaded()
      if (loaded.kind === 'not-loaded' || loaded.kind === 'no-session') return null
      if (Date.now() > deadline) return `launchctl bootout: ${explainLaunchctl(result)}`
      await new Promise((resolve) => setTimeout(resolve, options.pollMs ?? 200))
    }
  }

  const bootstrap = async (spec: AutostartSpec): Promise<InstallOutcome> => {
    const result = await run(['launchctl', 'bootstrap', domain, unitPath], { timeoutMs: 30_000 })
    const notes = daemonNotes(options, spec)
    if (result.kind === 'exited' && result.exitCode === 0)
      return { kind: 'installed', already: false, unitPath, notes }
    if (isNoSession(result)) return { kind: 'written', reason: noSession, unitPath, notes }
    // Error 5 is also what launchd says of a job that somebody loaded in between.
    const loaded = await readLoaded()
    if (loaded.kind === 'loaded' && loaded.job?.path === unitPath)
      return { kind: 'installed', already: true, unitPath, notes }
    return { kind: 'failed', reason: `launchctl bootstrap: ${explainLaunchctl(result)}` }
  }

  const hasDaemon = async (): Promise<boolean> => (await readLoaded(daemonTarget)).kind === 'loaded'

  return {
    install: async (spec) => {
      if (await hasDaemon()) return { kind: 'installed', already: true, unitPath: daemonPath, notes: [] }
      const plist = renderLaunchdPlist(spec, null)
      const same = readFileOrNull(unitPath) === plist
      const loaded = await readLoaded()
      if (loaded.kind === 'unknown') return { kind: 'failed', reason: loaded.reason }
      if (same && loaded.kind === 'loaded')
        return { kind: 'installed', already: true, unitPath, notes: daemonNotes(options, spec) }
      if (loaded.kind === 'loaded') {
        const left = await unload()
        if (left !== null) return { kind: 'failed', reason: left }
      }
      writePlist(unitPath, plist)
      return bootstrap(spec)
    },
    uninstall: async (): Promise<UninstallOutcome> => {
      const loaded = await readLoaded()
      if (loaded.kind === 'unknown') return { kind: 'failed', reason: loaded.reason }
      const left = loaded.kind === 'loaded' ? await unload() : null
      if (left !== null) return { kind: 'failed', reason: left }
      const had = readFileOrNull(unitPath) !== null
      rmSync(unitPath, { force: true })
      rmSync(daemonPlistPath(options), { force: true })
      if (await hasDaemon()) return { kind: 'failed', reason: daemonRemoval }
      return { kind: had || loaded.kind === 'loaded' ? 'removed' : 'not-installed' }
    },
    read: async () => {
      const asDaemon = await hasDaemon()
      const loaded = await readLoaded(asDaemon ? daemonTarget : target)
      const job = loaded.kind === 'loaded' ? loaded.job : null
      const isKnown = loaded.kind !== 'unknown' && !(loaded.kind === 'loaded' && job === null)
      return {
        installed: asDaemon || readFileOrNull(unitPath) !== null,
        unitPath: asDaemon ? daemonPath : unitPath,
        loaded: loaded.kind === 'unknown' ? null : loaded.kind === 'loaded',
        running: isKnown ? job?.state === 'running' : null,
        pid: job?.pid ?? null,
        lastExit: job?.lastExit ?? null,
        reason: sayWhyUnknown(loaded),
      }
    },
  }
}

const sayWhyUnknown = (loaded: Loaded): string | null => {
  switch (loaded.kind) {
    case 'unknown':
      return loaded.reason
    case 'no-session':
      return noSession
    case 'loaded':
      return loaded.job === null ? 'launchctl print says something that is not understood' : null
    case 'not-loaded':
      return null
  }
}

const isNoSession = (result: CommandResult): boolean => result.kind === 'exited' && result.exitCode === 125

/** launchd's numbers in words; its own text stays, because a number can have several causes. */
const explainLaunchctl = (result: CommandResult): string => {
  const said = describeFailure(result)
  if (result.kind === 'not-run') return said
  switch (result.exitCode) {
    case 3:
      return `${said} (there is no such job)`
    case 5:
      return `${said} (launchd's word for a job that is loaded already, one that was disabled, or a file it does not accept: launchctl enable gui/$UID/${launchdLabel}, then again)`
    case 113:
      return `${said} (the job is not loaded)`
    case 125:
      return noSession
    default:
      return said
  }
}

/** launchd refuses a plist that others may write, and reads this one as its user (launchd.plist(5)). */
const writePlist = (path: string, plist: string): void => {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, plist, { mode: 0o644 })
  chmodSync(path, 0o644)
}

const daemonPlistPath = ({ stateDir }: LaunchdOptions): string =>
  join(stateDir, `${launchdLabel}.daemon.plist`)

/** Agents start at a login. For a Mac that comes up with nobody at it, only root can install what starts before. */
const daemonNotes = (options: LaunchdOptions, spec: AutostartSpec): readonly string[] => {
  const path = daemonPlistPath(options)
  writePlist(path, renderLaunchdPlist(spec, options.userName))
  return [
    'It starts when you log in. So that it also starts with nobody logged in, make it a daemon of the machine:',
    `sudo install -m 0644 -o root -g wheel ${quoteForShell(path)} ${daemonPath}`,
    `sudo launchctl bootstrap system ${daemonPath}`,
    'nexus service uninstall',
  ]
}

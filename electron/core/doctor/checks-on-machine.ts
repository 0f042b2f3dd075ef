// Checks on the machine: disk space, clock, and whether it stays up and comes back after a reboot.
import { existsSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { plural } from '../../wording/figures.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import type { AutostartState } from '../autostart/autostart.ts'
import { formatBytes } from '../base/format-bytes.ts'
import { readMachineIdentity, sayMachine } from '../platform/machine-identity.ts'
import { type PowerSettings, parsePowerSettings } from '../platform/power-settings.ts'
import { type CommandResult, describeFailure } from '../platform/run-command.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'

export interface DiskRoom {
  /** What is stored there. */
  readonly what: string
  readonly path: string
  readonly freeBytes: number
}

/** All logs at their limit take 0.2 GB, the installs of set-up 1 GB, and macOS swaps to the same disk. */
const fewestFreeBytes = 0.5e9
const comfortableFreeBytes = 5e9

export const judgeDiskRoom = (rooms: readonly DiskRoom[]): Verdict => {
  const tightest = rooms.toSorted((a, b) => a.freeBytes - b.freeBytes)[0]
  if (tightest === undefined) return unknown('no disk could be read')
  const said = rooms.map(({ what, freeBytes }) => `${formatBytes(freeBytes)} free (${what})`).join(', ')
  const look = `du -xk ${quoteForShell(tightest.path)} | sort -rn | head -20`
  if (tightest.freeBytes < fewestFreeBytes) return fail(`${said}: too little`, look)
  return tightest.freeBytes < comfortableFreeBytes ? warn(`${said}: little`, look) : ok(said)
}

/** The first version is from 2026, so an earlier date is wrong. */
const firstYear = 2026
const lastYear = 2100
/** File systems and network-set clocks differ by seconds. */
const toleratedMs = 120_000

/** `newestFileMs`: last modification of our own state; null when there is none. */
export const judgeClock = (
  nowMs: number,
  newestFileMs: number | null,
  platform: 'darwin' | 'linux',
): Verdict => {
  const set = platform === 'darwin' ? 'sudo sntp -sS time.apple.com' : 'sudo timedatectl set-ntp true'
  const now = new Date(nowMs)
  const year = now.getUTCFullYear()
  if (year < firstYear || year > lastYear) return fail(`the clock says ${now.toISOString()}`, set)
  return newestFileMs !== null && newestFileMs > nowMs + toleratedMs
    ? warn(
        `the clock says ${now.toISOString()}, but our own files were written later, ${new Date(newestFileMs).toISOString()}`,
        set,
      )
    : ok(now.toISOString())
}

/** `judge` gets the settings of `pmset -g`. */
const judgePower = (
  result: CommandResult,
  judge: (settings: PowerSettings) => Verdict | null,
): Verdict | null => {
  const settings = result.kind === 'exited' ? parsePowerSettings(result.stdout) : null
  return settings === null
    ? unknown(`could not parse pmset -g: ${describeFailure(result).slice(0, 120)}`, 'pmset -g')
    : judge(settings)
}

export const judgeSleep = (result: CommandResult): Verdict | null =>
  judgePower(result, ({ isSleepDisabled, sleepMinutes: minutes }) => {
    if (isSleepDisabled) return ok('the machine never sleeps: sleep is turned off (SleepDisabled)')
    if (minutes === null) return unknown('pmset -g does not list sleep', 'pmset -g')
    return minutes === 0
      ? ok('the machine never sleeps on its own')
      : warn(`the machine sleeps after ${plural(minutes, 'minute')}`, 'sudo pmset -a sleep 0')
  })

/** null on a machine without the setting. */
export const judgeRestart = (result: CommandResult): Verdict | null =>
  judgePower(result, ({ restartsAfterPowerFailure: restarts }) => {
    if (restarts === null) return null
    return restarts
      ? ok('starts again after a power failure')
      : warn('stays off after a power failure', 'sudo pmset -a autorestart 1')
  })

/**
 * `defaults read` of a missing key exits 1 with "The domain/default pair of (...) does not exist" (seen in many public
 * scripts); any other failure says nothing about the setting.
 */
export const judgeLogin = (result: CommandResult, service: AutostartState | null): Verdict => {
  if (result.kind === 'not-run') return unknown(result.reason)
  const name = result.stdout.trim()
  if (result.exitCode === 0 && name !== '') return ok(`${name} is logged in automatically after a reboot`)
  if (result.exitCode !== 0 && !/does not exist/.test(`${result.stdout}\n${result.stderr}`))
    return unknown(`could not read the auto-login setting: ${describeFailure(result).slice(0, 120)}`)
  return service !== null && isMachineDaemon(service)
    ? ok('no user is logged in after a reboot, but the service does not need it: it is a system daemon')
    : warn(
        'no user is logged in after a reboot',
        'Turn it on in System Settings, Users & Groups, Automatically log in as (not possible with FileVault), or install the service as a system daemon: nexus service install says how.',
      )
}

const isMachineDaemon = ({ installed, unitPath }: AutostartState): boolean =>
  installed && unitPath.startsWith('/Library/LaunchDaemons/')

/** `isWanted`: the stack should come back after a reboot. */
export const judgeService = (state: AutostartState, isWanted: boolean): Verdict => {
  const { installed, unitPath, loaded, running, pid, lastExit, reason } = state
  if (!installed) {
    const said = 'not installed: after a reboot the stack stays down'
    return isWanted ? warn(said, 'nexus service install') : ok(said)
  }
  if (loaded === null || (loaded && running === null))
    return unknown(
      `installed (${unitPath}); could not find out whether it is loaded: ${reason ?? 'no reason given'}`,
    )
  if (!loaded)
    return warn(
      `installed (${unitPath}), but not loaded${reason === null ? '' : `: ${reason}`}`,
      'nexus service install',
    )
  if (running) return ok(`installed and running (${unitPath}${pid === null ? '' : `, pid ${pid}`})`)
  // After a requested stop it exits with 0 and stays down until the next boot.
  return lastExit === null || lastExit === 'exit status 0'
    ? ok(`installed and loaded (${unitPath}); not running now`)
    : warn(`installed and loaded (${unitPath}), but it ended with ${lastExit}`, 'nexus logs core')
}

/** The folder itself or its nearest existing parent: it will be created on that disk. */
const nearestFolder = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))

/** One for each disk. */
export const readDiskRooms = async (
  places: readonly { readonly what: string; readonly path: string }[],
): Promise<readonly DiskRoom[]> => {
  const rooms = new Map<number, DiskRoom>()
  for (const { what, path } of places) {
    const folder = nearestFolder(path)
    const { dev } = await stat(folder)
    const before = rooms.get(dev)
    const { bavail, bsize } = await statfs(folder)
    rooms.set(
      dev,
      before === undefined
        ? { what, path: folder, freeBytes: bavail * bsize }
        : { ...before, what: `${before.what}, ${what}` },
    )
  }
  return [...rooms.values()]
}

const readNewestFile = async (paths: readonly string[]): Promise<number | null> => {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => null,
      ),
    ),
  )
  return times.reduce((newest, time) => (newest === null ? time : Math.max(newest, time ?? newest)), null)
}

const autoLogin = ['defaults', 'read', '/Library/Preferences/com.apple.loginwindow', 'autoLoginUser'] as const
const timeout = { timeoutMs: 2_000 }

export const checksOnMachine: readonly CheckSource[] = [
  {
    id: 'machine.identity',
    title: 'This machine',
    why: 'chip and memory decide which models fit and how fast prompts are read',
    read: async ({ platform }) => {
      const identity = await readMachineIdentity(await platform.readTotalMemoryBytes()).catch(() => null)
      return identity === null ? unknown('could not read chip and model') : ok(sayMachine(identity))
    },
  },
  {
    id: 'machine.disk',
    title: 'Disk space',
    why: 'on a full disk no log, state or model can be written',
    read: async ({ folder, chosen }) =>
      judgeDiskRoom(
        await readDiskRooms([
          { what: 'state, logs', path: folder.root },
          { what: 'installs', path: folder.runtimeDir },
          { what: 'models', path: dirname(chosen.profile.llamaServer.modelPath) },
        ]),
      ),
  },
  {
    id: 'machine.clock',
    title: 'Clock',
    why: 'with a wrong clock certificates fail, and times in logs and reports cannot be trusted',
    read: async ({ folder, platform }) =>
      judgeClock(
        Date.now(),
        await readNewestFile([
          folder.intentPath,
          folder.ledgerPath,
          folder.configPath,
          folder.logPath('core'),
        ]),
        platform.id,
      ),
  },
  {
    id: 'machine.service',
    title: 'Service',
    why: 'the stack comes back after a reboot only if the system starts the core',
    // The demo need not survive a reboot.
    read: async ({ autostart, chosen }) => judgeService(await autostart(), chosen.name !== 'demo'),
  },
  {
    id: 'machine.sleep',
    title: 'Sleep',
    why: 'a sleeping machine answers no client',
    read: async ({ platform, run }) =>
      platform.id === 'darwin' ? judgeSleep(await run(['pmset', '-g'], timeout)) : null,
  },
  {
    id: 'machine.restart',
    title: 'Power failure',
    why: 'otherwise it stays off until someone presses the button',
    read: async ({ platform, run }) =>
      platform.id === 'darwin' ? judgeRestart(await run(['pmset', '-g'], timeout)) : null,
  },
  {
    id: 'machine.login',
    title: 'Login',
    why: "a user's programs, launch agents included, start only when that user is logged in",
    read: async ({ platform, run, autostart }) =>
      platform.id === 'darwin'
        ? judgeLogin(await run(autoLogin, timeout), await autostart().catch(() => null))
        : null,
  },
]

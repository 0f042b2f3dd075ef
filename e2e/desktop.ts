// A virtual desktop for the app's tests: Xvfb on a free display, a session bus, and a notification server.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { createNotificationReader, type Notification } from './dbus-notifications.ts'

export interface Desktop {
  /** For whatever is to run on it. */
  readonly env: Readonly<Record<string, string>>
  /** Notifications that were raised and not withdrawn, the latest last. */
  notifications(): readonly Notification[]
  /** The title of each notification that was ever raised. */
  titlesRaised(): readonly string[]
  /** Settles with the first notification that fits, also one that was raised before; rejects after `timeoutMs`. */
  untilNotified(fits: (notification: Notification) => boolean, timeoutMs: number): Promise<Notification>
  /** Settles when none that fits is left. */
  untilWithdrawn(fits: (notification: Notification) => boolean, timeoutMs: number): Promise<void>
  /** Clicks the latest notification as with a mouse; rejects where that is impossible. */
  clickLatest(): Promise<void>
  /** Ends all of it, by pid, and settles when it is gone. */
  close(): Promise<void>
}

/**
 * Electron's arguments here, before the app's folder (later ones go to the app): as root Chromium has no sandbox
 * (crbug.com/638180), and Xvfb has no GPU.
 */
export const electronFlags: readonly string[] = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ...(process.platform === 'linux' ? ['--disable-gpu'] : []),
]

const startDeadlineMs = 30_000

/** Elsewhere there is already a desktop, whose notifications can't be watched. */
const realDesktop: Desktop = {
  env: {},
  notifications: () => [],
  titlesRaised: () => [],
  untilNotified: () => Promise.reject(new Error('what this desktop notifies cannot be watched')),
  untilWithdrawn: () => Promise.resolve(),
  clickLatest: () => Promise.reject(new Error('nothing on this desktop can be clicked')),
  close: () => Promise.resolve(),
}

/** Needs what scripts/test-tools.ts installs. */
export const openDesktop = async (widthPixels = 1600, heightPixels = 1200): Promise<Desktop> => {
  if (process.platform !== 'linux') return realDesktop
  const started: ChildProcess[] = []
  const start = (program: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    // They complain about missing parts of a test machine; read their output so that they never block.
    child.stdout?.resume()
    child.stderr?.resume()
    started.push(child)
    return child
  }
  const close = async () => {
    for (const child of started.reverse()) await end(child)
  }
  try {
    // It takes the first free display and writes its number to this descriptor (Xserver(1), -displayfd).
    const screen = `${widthPixels}x${heightPixels}x24`
    const server = start('Xvfb', ['-displayfd', '3', '-screen', '0', screen, '-nolisten', 'tcp'], {})
    const display = `:${await firstLine(server, server.stdio[3])}`
    const onScreen = { DISPLAY: display }
    const bus = start('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=3'], onScreen)
    const env = { ...onScreen, DBUS_SESSION_BUS_ADDRESS: await firstLine(bus, bus.stdio[3]) }
    const reader = createNotificationReader()
    // The witness comes first, so that it sees the server arrive.
    const witness = start('dbus-monitor', [...watched], env)
    const changed = followLines(witness, (line) => reader.push(line))
    await changed.until(() => reader.lines() > 0, 'dbus-monitor', startDeadlineMs)
    start('dunst', [], env)
    await changed.until(() => reader.served(), 'dunst', startDeadlineMs)
    return {
      env,
      close,
      notifications: () => reader.notifications(),
      titlesRaised: () => reader.titlesRaised(),
      untilNotified: async (fits, timeoutMs) => {
        const find = () => reader.notifications().find(fits)
        await changed.until(() => find() !== undefined, 'the notification', timeoutMs)
        const found = find()
        if (found === undefined) throw new Error('the notification was withdrawn at once')
        return found
      },
      untilWithdrawn: (fits, timeoutMs) =>
        changed.until(() => !reader.notifications().some(fits), 'the withdrawal', timeoutMs),
      clickLatest: async () => {
        await execa('dbus-send', [...dunstAction, 'uint32:0'], { env })
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** dunstctl(1) `action`: the default action of the notification at this place, 0 being the latest. */
const dunstAction = [
  '--session',
  '--print-reply',
  '--dest=org.freedesktop.Notifications',
  '/org/freedesktop/Notifications',
  'org.dunstproject.cmd0.NotificationAction',
] as const

const watched = [
  "interface='org.freedesktop.Notifications'",
  "type='method_return',sender='org.freedesktop.Notifications'",
  "type='signal',member='NameOwnerChanged',arg0='org.freedesktop.Notifications'",
] as const

const firstLine = (child: ChildProcess, stream: unknown): Promise<string> =>
  new Promise((resolve, reject) => {
    const name = child.spawnargs[0]
    child.once('error', (error) => reject(new Error(`${name} does not start: ${error.message}`)))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)))
    if (isReadable(stream)) createInterface(stream).once('line', resolve)
  })

const isReadable = (stream: unknown): stream is Readable =>
  typeof stream === 'object' && stream !== null && 'read' in stream

/** Wakes waiters after each line, so none of them polls. */
const followLines = (child: ChildProcess, onLine: (line: string) => void) => {
  const waiting = new Set<() => void>()
  if (child.stdout !== null) {
    createInterface(child.stdout).on('line', (line) => {
      onLine(line)
      for (const look of waiting) look()
    })
  }
  return {
    until: (holds: () => boolean, what: string, timeoutMs: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(look)
          settle()
        }
        const look = () => {
          if (holds()) finish(resolve)
        }
        const late = () => finish(() => reject(new Error(`${what} did not come within ${timeoutMs} ms`)))
        const timer = setTimeout(late, timeoutMs)
        waiting.add(look)
        look()
      }),
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(late)
}

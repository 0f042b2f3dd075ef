// Finds the running core, even one that can't be reached, or starts one in the background for this command.
import { dirname } from 'node:path'
import { isErrno } from '../core/base/private-file.ts'
import { watchFolder } from '../core/base/watch-folder.ts'
import { refuseForeignFolder, type StateFolder } from '../core/config/state-folder.ts'
import { attachToCore, type ControlClient } from '../core/control/client.ts'
import { isLockHeld, readLockOwner } from '../core/control/core-lock.ts'
import { startCoreProcess } from '../core/control/core-process/start-core-process.ts'
import { attachAsGuest } from '../core/control/guests/shared-folder.ts'
import { readLiveServices } from '../core/stack/live-services.ts'
import type { LedgerEntry } from '../core/supervise/ledger.ts'
import { quoteForShell } from '../wording/shell-quote.ts'
import { type CliContext, exitCodes } from './context.ts'

/** Enough for read-only lookups. */
type Reader = Pick<CliContext, 'folder' | 'platform'>

/**
 * Attaches to this user's core, else as a guest to another user's: exactly one core per machine owns the stack. Never as a
 * guest while our own services run without a core: a core of ours must take those over. null when no core answers.
 * `youngMs`: see attachToOwn.
 */
export const attachToRunning = async (context: Reader, youngMs = 0): Promise<ControlClient | null> => {
  refuseForeignFolder(context.folder)
  const own = await attachToOwn(context.folder, youngMs)
  if (own !== null) return own
  return (await readOrphans(context)).length > 0 ? null : attachAsGuest(context.folder.sharedDir)
}

/**
 * The user who owns the stack that runs here; null: no stack runs, or it is our own, even if our core can't be reached
 * (logs and plan work without it).
 */
export const readHost = async (context: CliContext): Promise<string | null> => {
  if (isHeld(context.folder.lockPath)) return null
  const client = await attachToRunning(context)
  client?.close()
  return client?.user ?? null
}

/** Attaches to the running core, or starts one in the background and attaches to that. Throws when neither works. */
export const attachOrHost = async (context: CliContext): Promise<ControlClient> => {
  const running = await attachToRunning(context, startingMs)
  if (running !== null) return running
  const { entryPath, env, folder, platform } = context
  const { execPath: nodePath, execArgv: nodeArgs } = process
  await startCoreProcess({ nodePath, nodeArgs, entryPath, env, folder }, platform)
  // Another process may have just taken the lock: wait for its socket.
  const client = await attachToOwn(context.folder, startingMs)
  if (client === null)
    throw new Error(`the core did not open its socket; its log is ${context.folder.logPath('core')}`)
  return client
}

/** `nexus serve --detach`: prints `own` or `guest` for the app, by whose core answers. */
export const detachCore = async (context: CliContext): Promise<number> => {
  const client = await attachOrHost(context)
  context.print(client.user === null ? 'own' : 'guest')
  client.close()
  return exitCodes.done
}

/**
 * Attaches to the running core, or starts one to adopt services that an earlier core left behind; null when nothing of
 * ours runs.
 */
export const attachIfAnythingRuns = async (context: CliContext): Promise<ControlClient | null> => {
  const running = await attachToRunning(context, startingMs)
  if (running !== null) return running
  return (await readOrphans(context)).length > 0 ? attachOrHost(context) : null
}

type Orphan = Pick<LedgerEntry, 'service' | 'pid'>

/** Our services that are still running without a core. */
export const readOrphans = async ({ folder, platform }: Reader): Promise<readonly Orphan[]> => {
  const live = await readLiveServices(folder, platform.processes).catch((error: unknown) => {
    if (!isErrno(error, 'EACCES')) throw error
    throw new Error(
      `${folder.ledgerPath} can't be read. If a nexus run with sudo created it, take it back: ` +
        `sudo chown -R ${process.geteuid?.() ?? 0} ${quoteForShell(folder.root)}`,
    )
  })
  return live.map(({ service, pid }) => ({ service, pid }))
}

/** A core listens only after it has checked what runs; commands that change something wait this long for a young core. */
export const startingMs = 20_000
/** A core whose socket was deleted listens again within milliseconds; an ending core releases its lock last. */
const graceMs = 2_000
const lookMs = 100

/**
 * null: this user has no running core. Throws, with its pid and what to do, when it runs but can't be reached.
 * @param youngMs how long after its start a core may take to listen
 */
export const attachToOwn = async (
  folder: Pick<StateFolder, 'socketPath' | 'lockPath'>,
  youngMs: number,
): Promise<ControlClient | null> => {
  const { socketPath, lockPath } = folder
  const now = Date.now()
  const client = await attachToCore(socketPath)
  if (client !== null || !isHeld(lockPath)) return client
  const until = Math.max(now + graceMs, (readLockOwner(lockPath)?.since ?? now) + youngMs)
  let onChange = () => {}
  const unwatch = watchFolder(dirname(socketPath), () => onChange())
  try {
    // A clock set back must not prolong the wait.
    for (const end = now + Math.min(until - now, Math.max(youngMs, graceMs)); Date.now() < end; ) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookMs)
        onChange = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      const late = await attachToCore(socketPath)
      if (late !== null) return late
      if (!isHeld(lockPath)) return null
    }
  } finally {
    unwatch()
  }
  throw new Error(describeUnreachable(folder))
}

/** An unreadable lock counts as free here: taking it reports the error. */
const isHeld = (lockPath: string): boolean => {
  try {
    return isLockHeld(lockPath)
  } catch {
    return false
  }
}

const describeUnreachable = ({
  socketPath,
  lockPath,
}: Pick<StateFolder, 'socketPath' | 'lockPath'>): string => {
  const owner = readLockOwner(lockPath)
  const lead = `a core runs${owner === null ? '' : ` (pid ${owner.pid})`}, but nothing listens on ${socketPath}`
  const after = 'its services keep running, and nexus up takes them over'
  if (owner === null) return `${lead}: quit that process (nexus serve, or the app); ${after}`
  return `${lead}: kill ${owner.pid} ends it alone (kill -9 ${owner.pid} if it does not); ${after}`
}

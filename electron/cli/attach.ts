// Finds the running core, or starts one in the background for this command.

import { isErrno } from '../core/base/private-file.ts'
import { refuseForeignFolder } from '../core/config/state-folder.ts'
import type { ControlClient } from '../core/control/client.ts'
import { startCoreProcess } from '../core/control/core-process/start-core-process.ts'
import { attachAsGuest } from '../core/control/guests/shared-folder.ts'
import { readLiveServices } from '../core/stack/live-services.ts'
import type { LedgerEntry } from '../core/supervise/ledger.ts'
import { quoteForShell } from '../wording/shell-quote.ts'
import { type CliContext, exitCodes } from './context.ts'
import { attachToOwn, isHeld, startingMs } from './unreachable-core.ts'

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

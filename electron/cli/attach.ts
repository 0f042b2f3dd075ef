// Finding the core: the one that runs, or a background one started for this command.
import { watch } from 'node:fs'
import { dirname } from 'node:path'
import { type ChildId, childIds } from '../contract.ts'
import { isSameProcess } from '../core/child-process.ts'
import { attachToCore, type ControlClient } from '../core/control/client.ts'
import { within } from '../core/deadline.ts'
import { identityOf, openLedger } from '../core/ledger.ts'
import { ensureStateFolder } from '../core/state-folder.ts'
import type { CliContext } from './context.ts'
import { spawnBackgroundCore } from './host.ts'

const listenDeadlineMs = 20_000

/** Attaches to the running core, or starts one in the background and attaches to that. Throws when neither works. */
export const attachOrHost = async (context: CliContext): Promise<ControlClient> => {
  const running = await attachToCore(context.folder.socketPath)
  if (running !== null) return running
  await spawnBackgroundCore(context)
  const client = await attachWhenListening(context.folder.socketPath)
  if (client === null)
    throw new Error(`the core did not open its socket; its log is ${context.folder.logPath('core')}`)
  return client
}

/** Another starter may have won the lock a moment ago: its socket is waited for, told by the folder, not asked for. */
const attachWhenListening = async (socketPath: string): Promise<ControlClient | null> => {
  const changes = watch(dirname(socketPath))
  try {
    const attached = (async () => {
      while (true) {
        const changed = new Promise<void>((resolve) => changes.once('change', () => resolve()))
        const client = await attachToCore(socketPath)
        if (client !== null) return client
        await changed
      }
    })()
    return await within(attached, listenDeadlineMs)
  } finally {
    changes.close()
  }
}

/**
 * Attaches to a core if one runs or if an earlier one left services behind, which a new core then adopts; null when
 * nothing of ours runs at all.
 */
export const attachIfAnythingRuns = async (context: CliContext): Promise<ControlClient | null> => {
  const running = await attachToCore(context.folder.socketPath)
  if (running !== null) return running
  return (await readOrphans(context)).length > 0 ? attachOrHost(context) : null
}

export interface Orphan {
  readonly service: ChildId
  readonly pid: number
}

/** Services of ours that live although no core does. */
export const readOrphans = async (context: CliContext): Promise<readonly Orphan[]> => {
  ensureStateFolder(context.folder)
  const ledger = openLedger(context.folder.ledgerPath)
  const orphans: Orphan[] = []
  for (const service of childIds) {
    const entry = ledger.find(service)
    if (entry !== null && (await isSameProcess(identityOf(entry), context.platform.processes))) {
      orphans.push({ service, pid: entry.pid })
    }
  }
  return orphans
}

// Our running servers, supervised or not: from the ledger, or when it is gone or damaged, by their ports and command lines.
import { join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { type SupervisedId, supervisedIds } from '../../contract/service-ids.ts'
import { readConfig } from '../config/config.ts'
import { readGatewayAddress } from '../config/gateway-address.ts'
import { chooseProfile } from '../config/profiles.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { LogError } from '../logs/core-log.ts'
import { logBeginning } from '../logs/log-generations.ts'
import type { ProcessTable } from '../platform/platform.ts'
import { identityOf, type LedgerEntry, openLedger, readLedgerEntries } from '../supervise/ledger.ts'
import { isSameProcess } from '../supervise/life-look.ts'
import { readIntent } from './intent.ts'

interface Mark {
  readonly service: SupervisedId
  readonly port: number
  /** A private path of this state folder that only our server gets: its key file or the folder of its settings. */
  readonly path: string
}

/** From the ledger, by identity and never by pid alone; if it is damaged, by their command lines. */
export const readLiveServices = async (
  folder: StateFolder,
  processes: ProcessTable,
): Promise<readonly LedgerEntry[]> => {
  const lost = await readLostServices(folder, processes)
  if (lost.length > 0) return lost
  const ledger = openLedger(folder.ledgerPath)
  const alive: LedgerEntry[] = []
  for (const id of supervisedIds) {
    const entry = ledger.find(id)
    if (entry !== null && (await isSameProcess(identityOf(entry), processes))) alive.push(entry)
  }
  return alive
}

/**
 * Empty while the ledger can be read: a process that it does not name is not ours. Writes nothing.
 *
 * A server is ours if it listens on the port of the profile that was started and its command line names a private path of
 * this state folder: a server of another folder names another path, a foreign one names none.
 */
const readLostServices = async (
  folder: StateFolder,
  processes: ProcessTable,
): Promise<readonly LedgerEntry[]> => {
  if (readLedgerEntries(folder.ledgerPath) !== null) return []
  const last = readLastProfile(folder)
  if (last === null) return []
  const found = await Promise.all(
    listMarks(folder, last.profile).map((mark) => findServer(mark, last.name, processes)),
  )
  return found.filter((entry) => entry !== null)
}

/** Records the servers found, so that they are adopted like any other child of an earlier core. */
export const rebuildLedger = async (
  folder: StateFolder,
  processes: ProcessTable,
  logError: LogError,
): Promise<void> => {
  const lost = await readLostServices(folder, processes)
  if (lost.length === 0) return
  const ledger = openLedger(folder.ledgerPath, logError)
  for (const entry of lost) ledger.record(entry)
  const names = lost.map(({ service, pid }) => `${service} (pid ${pid})`).join(', ')
  logError(new Error(`${folder.ledgerPath} was gone or damaged; found by their command lines: ${names}`))
}

const readLastProfile = (
  folder: StateFolder,
): { readonly name: string; readonly profile: Profile } | null => {
  const intent = readIntent(folder.intentPath)
  if (intent !== null) return { name: intent.profileName, profile: intent.profile }
  try {
    return chooseProfile(readConfig(folder.configPath, folder.lastGoodConfigPath), null, folder.runtimeDir)
  } catch {
    return null
  }
}

const listMarks = (folder: StateFolder, { llamaServer, proxy, gateway }: Profile): readonly Mark[] => [
  { service: 'llamaServer', port: llamaServer.port, path: join(folder.keysDir, 'engine.key') },
  { service: 'proxy', port: proxy.port, path: `${folder.proxyDir}/` },
  ...(gateway === undefined || gateway === null
    ? []
    : [
        {
          service: 'gateway' as const,
          port: readGatewayAddress(gateway.listen).port,
          path: `${folder.gatewayDir}/`,
        },
      ]),
]

const findServer = async (
  { service, port, path }: Mark,
  profile: string,
  processes: ProcessTable,
): Promise<LedgerEntry | null> => {
  const owner = await processes.readPortOwner(port).catch(() => null)
  if (owner === null || owner.pid === null) return null
  const identity = await processes.readIdentity(owner.pid).catch(() => null)
  const argv = await processes.readArgv(owner.pid).catch(() => null)
  // Matched as text: macOS joins the words of a command line with blanks.
  if (identity === null || argv === null || !` ${argv.join(' ')}`.includes(path)) return null
  return {
    service,
    pid: identity.pid,
    startedAt: identity.startedAt,
    argv: [...argv],
    profile,
    spawnedAtMs: Date.now(),
    logMark: { ...logBeginning },
  }
}

// Our child processes, on disk, so that the next core adopts them and never signals a process that is not ours.

import { z } from 'zod'
import { supervisedIds } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import type { LogError } from '../logs/core-log.ts'
import type { ProcessIdentity } from '../platform/platform.ts'

/**
 * launchd's domain and its audit session id, which is unique until the machine reboots (getaudit_addr(2)). Any user can read
 * it from `launchctl print` of a job or a domain (both recorded); `id -A` needs root.
 */
const LoginSessionSchema = z.strictObject({
  domain: z.string().regex(/^(gui|user)\/\d+$/),
  asid: z.number().int().positive(),
})
export type LoginSession = Readonly<z.infer<typeof LoginSessionSchema>>

const EntrySchema = z.strictObject({
  service: z.enum(supervisedIds),
  pid: z.number().int().positive(),
  /** Opaque: see ProcessIdentity. */
  startedAt: z.string(),
  argv: z.array(z.string()).min(1),
  /** The profile it was started with; settings changed since then show as "restart needed". */
  profile: z.string(),
  spawnedAtMs: z.number().int(),
  /** The login session that it was started in; absent or null: unknown, or a session that cannot end. */
  session: LoginSessionSchema.nullable().optional(),
  /** Where this run's lines begin in its log. */
  logMark: z.strictObject({
    // Earlier versions of Nexus wrote a text or null here, and a running server must not be lost for that.
    previous: z.number().int().nonnegative().catch(0),
    offset: z.number().int().nonnegative(),
  }),
  /** A stop is under way: a core that finds it alive finishes the stop instead of adopting it. */
  ending: z.literal(true).optional(),
})
export type LedgerEntry = z.infer<typeof EntrySchema>

const LedgerSchema = z.strictObject({ version: z.literal(1), entries: z.array(EntrySchema) })

export type Ledger = ReturnType<typeof openLedger>

/** null: no ledger, or a damaged one. */
export const readLedgerEntries = (path: string): readonly LedgerEntry[] | null =>
  readRecord(path, LedgerSchema)?.entries ?? null

/** How often to retry a write that failed (a full disk). */
const retryMs = 1_000

/**
 * A damaged ledger counts as empty: its children are then found on their ports by our own argv, or shown as foreign, and
 * never killed by pid alone. A failed write (a full disk) therefore loses no child: with `logError` the failure is logged,
 * this core goes on from memory, and the file is written once there is room.
 * @param session recorded with each child that this core starts
 */
export const openLedger = (
  path: string,
  logError: LogError | null = null,
  session: LoginSession | null = null,
) => {
  let entries: readonly LedgerEntry[] = readLedgerEntries(path) ?? []
  let retry: NodeJS.Timeout | null = null
  const write = () => {
    if (retry !== null) clearTimeout(retry)
    retry = null
    writePrivateFile(path, `${JSON.stringify({ version: 1, entries }, null, 2)}\n`, { about: 'processes' })
  }
  const writeLater = () => {
    retry = setTimeout(() => {
      try {
        write()
      } catch {
        // Still full: the first failure was logged.
        writeLater()
      }
    }, retryMs).unref()
  }
  const save = (next: LedgerEntry[]) => {
    entries = next
    try {
      write()
    } catch (error) {
      if (logError === null) throw error
      logError(new Error(`could not save the list of our processes: ${messageOf(error)}`))
      writeLater()
    }
  }
  const find = (service: LedgerEntry['service']): LedgerEntry | null =>
    entries.find((entry) => entry.service === service) ?? null
  const replace = (entry: LedgerEntry) =>
    save([...entries.filter((other) => other.service !== entry.service), entry])
  return {
    find,
    markEnding: (service: LedgerEntry['service']): void => {
      const entry = find(service)
      if (entry !== null && entry.ending !== true) replace({ ...entry, ending: true })
    },
    record: (entry: LedgerEntry): void => replace(session === null ? entry : { ...entry, session }),
    forget: (service: LedgerEntry['service']): void => {
      if (entries.some((entry) => entry.service === service)) {
        save(entries.filter((entry) => entry.service !== service))
      }
    },
  }
}

/** The process as one word, the key of records about it. */
export const nameProcess = (entry: LedgerEntry): string => `${entry.pid}@${entry.startedAt}`

export const identityOf = (entry: LedgerEntry): ProcessIdentity => ({
  pid: entry.pid,
  startedAt: entry.startedAt,
})

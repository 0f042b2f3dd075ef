// Who our children are, on disk: so that the next core adopts them and nobody ever signals a stranger.

import { z } from 'zod'
import { supervisedIds } from '../../contract/service-ids.ts'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'
import type { LogError } from '../logs/core-log.ts'
import type { ProcessIdentity } from '../platform/platform.ts'
import { type LoginSession, LoginSessionSchema } from './login-session-schema.ts'

const EntrySchema = z.strictObject({
  service: z.enum(supervisedIds),
  pid: z.number().int().positive(),
  /** Opaque: see ProcessIdentity. */
  startedAt: z.string(),
  argv: z.array(z.string()).min(1),
  /** Profile whose command line this is; settings changed since then show as "restart needed". */
  profile: z.string(),
  spawnedAtMs: z.number().int(),
  /** The login session that it was started in; absent or null: not known, or none that could end. */
  session: LoginSessionSchema.nullable().optional(),
  /** Where this run's lines begin in its log. */
  logMark: z.strictObject({ previous: z.string().nullable(), offset: z.number().int().nonnegative() }),
  /** A stop has begun to end it: a core that finds it alive finishes that instead of adopting it. */
  ending: z.literal(true).optional(),
})
export type LedgerEntry = z.infer<typeof EntrySchema>

const LedgerSchema = z.strictObject({ version: z.literal(1), entries: z.array(EntrySchema) })

export interface Ledger {
  find(service: LedgerEntry['service']): LedgerEntry | null
  record(entry: LedgerEntry): void
  markEnding(service: LedgerEntry['service']): void
  forget(service: LedgerEntry['service']): void
}

/** null: there is no ledger, or it cannot be understood. */
export const readLedgerEntries = (path: string): readonly LedgerEntry[] | null =>
  readRecord(path, LedgerSchema)?.entries ?? null

/** How soon what a full disk kept from being written is tried again. */
const retryMs = 1_000

/**
 * Opens the ledger. A ledger that cannot be understood is treated as empty: a child it named is then found on its
 * port with our own argv, or shown as a stranger, and neither is ever killed by pid alone. So one that cannot be written
 * (a full disk) loses no child: with `logError` the failure is logged, this core goes on with what it knows, and the file is
 * written as soon as there is room.
 * @param session what is recorded of the children that this core starts
 */
export const openLedger = (
  path: string,
  logError: LogError | null = null,
  session: LoginSession | null = null,
): Ledger => {
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
      logError(new Error(`which processes are ours could not be written down: ${messageOf(error)}`))
      writeLater()
    }
  }
  const find = (service: LedgerEntry['service']) => entries.find((entry) => entry.service === service) ?? null
  const replace = (entry: LedgerEntry) =>
    save([...entries.filter((other) => other.service !== entry.service), entry])
  return {
    find,
    markEnding: (service) => {
      const entry = find(service)
      if (entry !== null && entry.ending !== true) replace({ ...entry, ending: true })
    },
    record: (entry) => replace(session === null ? entry : { ...entry, session }),
    forget: (service) => {
      if (entries.some((entry) => entry.service === service)) {
        save(entries.filter((entry) => entry.service !== service))
      }
    },
  }
}

/** One process as one word, for records that belong to it. */
export const nameProcess = (entry: LedgerEntry): string => `${entry.pid}@${entry.startedAt}`

export const identityOf = (entry: LedgerEntry): ProcessIdentity => ({
  pid: entry.pid,
  startedAt: entry.startedAt,
})

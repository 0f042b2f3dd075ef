// Adds our entry to cargo config files and removes it again, restoring a file without other edits exactly.
import { existsSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../base/error-message.ts'
import { readRecord } from '../base/json-record.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import { makeFolders } from '../base/regular-file.ts'
import { replaceFile } from '../base/replace-file.ts'
import { addEntry, type CargoEntry, hasEntry, readCargoConfig, removeEntry } from './cargo-config-text.ts'

/** The original content, to be restored; kept in the state folder of the user who asked. */
const RecordSchema = z.strictObject({
  version: z.literal(1),
  files: z.array(
    z.strictObject({
      path: z.string(),
      /** null: there was no file. */
      before: z.string().nullable(),
      after: z.string(),
      madeFolder: z.boolean(),
    }),
  ),
  /** Files without their entry until the RAM disk is back. */
  parked: z.array(z.string()).default([]),
})
type ConfigRecord = z.infer<typeof RecordSchema>

export type EditOutcome =
  | { readonly kind: 'changed'; readonly notes: readonly string[] }
  | { readonly kind: 'already' }
  | { readonly kind: 'refused'; readonly reason: string }

/** If both exist, cargo prefers the old name without .toml (the Cargo Book, Configuration). */
export const configPathIn = (cargoFolder: string): string => {
  const old = join(cargoFolder, 'config')
  return existsSync(old) ? old : join(cargoFolder, 'config.toml')
}

export type CargoConfigFiles = ReturnType<typeof createCargoConfigFiles>

/** @param recordPath a file of the state folder, which must exist */
export const createCargoConfigFiles = (recordPath: string) => {
  const readAll = (): ConfigRecord =>
    readRecord(recordPath, RecordSchema) ?? { version: 1, files: [], parked: [] }
  const write = (changes: { readonly files?: ConfigRecord['files']; readonly parked?: string[] }) =>
    writePrivateFile(recordPath, JSON.stringify({ ...readAll(), ...changes }, null, 2))

  /** Leaves `parked` alone: that mark must outlive this, even if another process removes the same entry meanwhile. */
  const takeOut = (path: string, entries: readonly CargoEntry[]): EditOutcome => {
    const text = readFileOrNull(path)
    const record = readAll().files.find((file) => file.path === path)
    const forget = () => write({ files: readAll().files.filter((file) => file.path !== path) })
    const untouched = record !== undefined && record.after === text
    const mine = text === null ? undefined : entries.find((entry) => hasEntry(text, entry))
    if (text === null || (mine === undefined && !untouched)) {
      if (record !== undefined) forget()
      return { kind: 'already' }
    }
    try {
      const after = untouched ? record.before : mine === undefined ? text : removeEntry(text, mine)
      if (after === null) rmSync(path)
      else replaceFile(path, after)
      if (after === null && record?.madeFolder === true) removeEmptyFolder(dirname(path))
      forget()
    } catch (error) {
      return { kind: 'refused', reason: `${path}: ${messageOf(error)}` }
    }
    return { kind: 'changed', notes: [] }
  }

  /** @param mountPoint paths under it count as "on the RAM disk" */
  const enable = (path: string, entry: CargoEntry, mountPoint: string): EditOutcome => {
    const before = readFileOrNull(path)
    const text = before ?? ''
    if (hasEntry(text, entry)) return { kind: 'already' }
    const reading = readCargoConfig(text)
    if (reading.kind === 'unclear')
      return { kind: 'refused', reason: `${path} is not a config that cargo reads: ${reading.reason}` }
    const { buildDir, targetDir } = reading.settings
    if (buildDir !== null) return { kind: 'refused', reason: explainTaken(path, buildDir) }
    try {
      const after = addEntry(text, entry)
      const madeFolder = !existsSync(dirname(path))
      if (madeFolder) makeFolders(dirname(path))
      // The record first: never make a change that can't be undone.
      const others = readAll().files.filter((file) => file.path !== path)
      write({ files: [...others, { path, before, after, madeFolder }] })
      if (before === null) writeFileSync(path, after, { flag: 'wx' })
      else replaceFile(path, after)
    } catch (error) {
      return { kind: 'refused', reason: `${path}: ${messageOf(error)}` }
    }
    return {
      kind: 'changed',
      notes: targetDir === null ? [] : [explainTarget(path, targetDir, mountPoint)],
    }
  }

  /** Files that were edited and not restored yet. */
  const edited = (): readonly string[] => {
    const { files, parked } = readAll()
    return [...new Set([...files.map(({ path }) => path), ...parked])]
  }

  return {
    enable,
    edited,
    disable: (path: string, entries: readonly CargoEntry[]): EditOutcome => {
      const outcome = takeOut(path, entries)
      const { parked } = readAll()
      if (outcome.kind !== 'refused' && parked.includes(path))
        write({ parked: parked.filter((one) => one !== path) })
      return outcome
    },
    /** Removes this entry from our files until `unpark`; returns those files. */
    park: (entry: CargoEntry): readonly string[] => {
      const paths = edited().filter((path) => hasEntry(readFileOrNull(path) ?? '', entry))
      // The mark first: if we are killed in between, an entry still in the file stays; one removed without a mark would never return.
      if (paths.length > 0) write({ parked: [...new Set([...readAll().parked, ...paths])] })
      return paths.filter((path) => takeOut(path, [entry]).kind === 'changed')
    },
    /** Adds the entry again; returns those files. */
    unpark: (entry: CargoEntry, mountPoint: string): readonly string[] => {
      const outcomes = readAll().parked.map((path) => ({ path, ...enable(path, entry, mountPoint) }))
      const back = outcomes.filter(({ kind }) => kind !== 'refused').map(({ path }) => path)
      if (back.length > 0) write({ parked: readAll().parked.filter((path) => !back.includes(path)) })
      return outcomes.filter(({ kind }) => kind === 'changed').map(({ path }) => path)
    },
  }
}

const explainTaken = (path: string, buildDir: string): string =>
  `${path} sets build-dir = ${JSON.stringify(buildDir)} already, which would win: remove it, then run this again`

const explainTarget = (path: string, targetDir: string, mountPoint: string): string =>
  targetDir === mountPoint || targetDir.startsWith(`${mountPoint}/`)
    ? `${path} sets target-dir = ${JSON.stringify(targetDir)}, which is on the RAM disk: finished programs are lost with it, and builds fail without it`
    : `${path} sets target-dir = ${JSON.stringify(targetDir)}: finished programs still go there`

const removeEmptyFolder = (path: string): void => {
  try {
    rmdirSync(path)
  } catch {
    // It holds something else by now: keep it.
  }
}

// Which llama-server runs, and telling the Router: a new process has empty slots, and a parked conversation fits only one model.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { EngineModel } from '../../contract/snapshot.ts'
import { readRecord } from '../base/json-record.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { type LedgerEntry, nameProcess } from '../supervise/ledger.ts'

/** resources/opta_engine_record.py reads it. */
const RecordSchema = z.object({ process: z.string(), identity: z.string() })

/** File name in the Router's folder. */
export const engineRecordName = 'engine.json'

/** null: no llama-server has been started yet, or the file is incomplete. */
export const readEngineRecord = (path: string): z.infer<typeof RecordSchema> | null =>
  readRecord(path, RecordSchema)

/** Covers the metadata and the first tensors: two models with the same name, size and time differ there. */
const headBytes = 1_048_576

/**
 * Records the identity of the started llama-server, once per process. If the model file was replaced after the start, what
 * is loaded is unknown and nothing is parked.
 */
export const recordEngine = (path: string, entry: LedgerEntry): void => {
  const process = nameProcess(entry)
  if (readEngineRecord(path)?.process === process) return
  const record = { process, identity: identifyEngine(entry) }
  try {
    writePrivateFile(path, `${JSON.stringify(record)}\n`, { about: 'processes' })
  } catch (error) {
    // Otherwise, on a full disk, the previous record would stay and its parked files would be loaded into another model.
    rmSync(path, { force: true })
    throw error
  }
}

/** Flags (with their values) that don't affect a saved slot. */
const irrelevantFlags: readonly string[] = [
  '--host',
  '--port',
  '-a',
  '--alias',
  '--api-key-file',
  '--slot-save-path',
  '-lv',
  '--log-verbosity',
  '--verbosity',
  '--log-colors',
]

/** A hash of everything that a saved slot depends on: model, program, and every flag that may shape the cache. */
export const identifyEngine = ({ argv, spawnedAtMs }: Pick<LedgerEntry, 'argv' | 'spawnedAtMs'>): string => {
  const [program = '', ...words] = argv
  const flags = words.filter(
    (word, index) => !irrelevantFlags.includes(word) && !irrelevantFlags.includes(words[index - 1] ?? ''),
  )
  const model = readEngineModel(argv)
  const parts = [
    describeFile(program, null),
    model === null ? null : describeFile(model.modelPath, spawnedAtMs),
  ]
  const isKnown = parts.every((part) => part !== null)
  // An unknown engine never matches, so its files are not reused.
  const text = JSON.stringify(isKnown ? [parts, flags] : ['unknown', argv, spawnedAtMs])
  return createHash('sha256').update(text).digest('hex')
}

/** @param loadedAtMs when it was loaded; a file changed since then gives null */
const describeFile = (path: string, loadedAtMs: number | null): unknown => {
  try {
    const stats = statSync(path)
    // Opening a pipe would wait for its writer.
    if (!stats.isFile()) return null
    const { size, mtimeMs } = stats
    if (loadedAtMs !== null && mtimeMs > loadedAtMs) return null
    return { path, size, mtimeMs, head: hashHead(path) }
  } catch {
    return null
  }
}

const hashHead = (path: string): string => {
  const fd = openSync(path, 'r')
  try {
    const head = Buffer.alloc(headBytes)
    const read = readSync(fd, head, 0, headBytes, 0)
    return createHash('sha256').update(head.subarray(0, read)).digest('hex')
  } finally {
    closeSync(fd)
  }
}

/** Named by resources/opta_parked_files.py. */
const verdictName = 'does-not-restore'

/** False also while unknown: the Router tries a model before it judges it. */
export const readDoesNotRestore = ({
  parkedDir,
  proxyDir,
}: Pick<StateFolder, 'parkedDir' | 'proxyDir'>): boolean => {
  const verdict = readFileOrNull(join(parkedDir, verdictName))?.trim()
  return verdict !== undefined && verdict === readEngineRecord(join(proxyDir, engineRecordName))?.identity
}

export const doesNotRestoreText =
  'conversations that left their slots do not come back with this model: llama-server reads the files but restores nothing, so each conversation is processed again'

const modelFlags: readonly string[] = ['-m', '--model']
const draftFlags: readonly string[] = ['-md', '--model-draft', '--spec-draft-model']

/** Like llama-server: the last of a repeated flag counts. */
const readLast = (argv: readonly string[], flags: readonly string[]): string | null => {
  const at = argv.findLastIndex((word) => flags.includes(word))
  return at === -1 ? null : (argv[at + 1] ?? null)
}

/** null when the command line names no model. */
export const readEngineModel = (argv: readonly string[]): EngineModel | null => {
  const modelPath = readLast(argv, modelFlags)
  return modelPath === null ? null : { modelPath, draftModelPath: readLast(argv, draftFlags) }
}

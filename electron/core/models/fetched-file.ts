// One model file in the models folder: its path, its partial download, and its record.
import { chmodSync, renameSync, type Stats, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { isErrno } from '../base/private-file.ts'
import { statIfThere } from '../base/regular-file.ts'
import type { PublishedFile } from './model-request.ts'

export type FilePlace = Readonly<ReturnType<typeof placeOf>>

/** Partial files are hidden, so no program loads half a model. The repository's folders are dropped: a profile names one folder. */
export const placeOf = (modelsDir: string, path: string) => {
  const name = basename(path)
  return {
    targetPath: join(modelsDir, name),
    partPath: join(modelsDir, `.${name}.part`),
    recordPath: join(modelsDir, `.${name}.fetched.json`),
  }
}

const RecordSchema = z.strictObject({
  version: z.literal(1),
  repo: z.string(),
  revision: z.string(),
  path: z.string(),
  bytes: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** ETag from the server that sent the part; null: none. */
  etag: z.string().nullable(),
  /** State of the file when its hash was verified; null: not complete yet. */
  verified: z.strictObject({ bytes: z.number().int(), mtimeMs: z.number() }).nullable(),
})
export type FetchRecord = z.infer<typeof RecordSchema>

/** null: we have none, or this user can't read it. */
export const readFetchRecord = ({ recordPath }: FilePlace): FetchRecord | null => {
  try {
    return readRecord(recordPath, RecordSchema)
  } catch (error) {
    if (isErrno(error, 'EACCES')) return null
    throw error
  }
}

/** Readable by all users, like the model. Written atomically. */
export const writeFetchRecord = ({ recordPath }: FilePlace, record: FetchRecord): void => {
  const temporary = `${recordPath}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(record)}\n`)
  // Regardless of this user's umask.
  chmodSync(temporary, 0o644)
  renameSync(temporary, recordPath)
}

export const describeVerified = ({ size, mtimeMs }: Stats): FetchRecord['verified'] => ({
  bytes: size,
  mtimeMs,
})

/** Whether the file is the published one: its hash was verified and it hasn't changed since. */
export const isVerified = (place: FilePlace, file: PublishedFile): boolean => {
  const stats = statIfThere(place.targetPath)
  const record = readFetchRecord(place)
  return (
    stats?.isFile() === true &&
    record?.sha256 === file.sha256 &&
    record.verified?.bytes === stats.size &&
    record.verified.mtimeMs === stats.mtimeMs
  )
}

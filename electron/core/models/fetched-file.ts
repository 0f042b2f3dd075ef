// One file of a model in the models folder: its name, the part of it that is there, and the record beside it.
import { chmodSync, renameSync, type Stats, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { isErrno } from '../base/private-file.ts'
import { statIfThere } from '../base/regular-file.ts'
import type { PublishedFile } from './hub-listing.ts'

export interface FilePlace {
  readonly targetPath: string
  readonly partPath: string
  readonly recordPath: string
}

/** Hidden, so that no program takes half a model for one. Folders of the repository are left out: a profile names one folder. */
export const placeOf = (modelsDir: string, path: string): FilePlace => {
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
  /** What the server that the part came from called it; null: it said nothing. */
  etag: z.string().nullable(),
  /** As the file was when its hash was found right; null: it isn't whole yet. */
  verified: z.strictObject({ bytes: z.number().int(), mtimeMs: z.number() }).nullable(),
})
export type FetchRecord = z.infer<typeof RecordSchema>

/** null: there is none of ours, or none that this user may read. */
export const readFetchRecord = ({ recordPath }: FilePlace): FetchRecord | null => {
  try {
    return readRecord(recordPath, RecordSchema)
  } catch (error) {
    if (isErrno(error, 'EACCES')) return null
    throw error
  }
}

/** Readable by all, as the model is; whole or not at all. */
export const writeFetchRecord = ({ recordPath }: FilePlace, record: FetchRecord): void => {
  const temporary = `${recordPath}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(record)}\n`)
  // Whatever this user's umask is.
  chmodSync(temporary, 0o644)
  renameSync(temporary, recordPath)
}

export const describeVerified = ({ size, mtimeMs }: Stats): FetchRecord['verified'] => ({
  bytes: size,
  mtimeMs,
})

/** Whether the file is the published one, whose hash was found right and which wasn't written to since. */
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

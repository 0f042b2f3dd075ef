// Records the files that contain the agents' block, so they can be updated.
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'

const RecordSchema = z.strictObject({ version: z.literal(1), paths: z.array(z.string()) })

/** Absolute paths; empty when there are none, or when the record has another version. */
export const readInstalledFiles = (recordPath: string): readonly string[] =>
  readRecord(recordPath, RecordSchema)?.paths ?? []

export const rememberFile = (recordPath: string, path: string): void => {
  const paths = readInstalledFiles(recordPath)
  if (!paths.includes(path)) write(recordPath, [...paths, path])
}

export const forgetFile = (recordPath: string, path: string): void => {
  const paths = readInstalledFiles(recordPath)
  if (paths.includes(path))
    write(
      recordPath,
      paths.filter((known) => known !== path),
    )
}

const write = (recordPath: string, paths: readonly string[]): void =>
  writePrivateFile(recordPath, `${JSON.stringify({ version: 1, paths }, null, 2)}\n`)

// Completed selfcheck runs per system version, so the doctor knows when to recommend one.
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'

const RecordSchema = z.strictObject({
  version: z.literal(1),
  runs: z.array(
    z.strictObject({
      /** Such as "macOS 26.1". */
      system: z.string(),
      startedFrom: z.string(),
      endedAt: z.number().int(),
      failed: z.array(z.string()),
    }),
  ),
})
export type SelfcheckRun = z.infer<typeof RecordSchema>['runs'][number]

export const readSelfcheckRuns = (path: string): readonly SelfcheckRun[] =>
  readRecord(path, RecordSchema)?.runs ?? []

/** Keeps the last run per system and way of starting. */
export const rememberSelfcheck = (path: string, run: SelfcheckRun): void => {
  const others = readSelfcheckRuns(path).filter(
    ({ system, startedFrom }) => system !== run.system || startedFrom !== run.startedFrom,
  )
  writePrivateFile(path, `${JSON.stringify({ version: 1, runs: [...others, run] }, null, 2)}\n`)
}

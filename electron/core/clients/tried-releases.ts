// Results of `nexus try-claude` per release on this machine, for the doctor.
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'
import { writePrivateFile } from '../base/private-file.ts'

const TrySchema = z.strictObject({
  version: z.string(),
  /** ms since the epoch. */
  at: z.number(),
  passed: z.array(z.string()),
  failed: z.array(z.string()),
})
const TriesSchema = z.strictObject({ version: z.literal(1), tries: z.array(TrySchema) })
export type ReleaseTry = z.infer<typeof TrySchema>

/** In the state folder. */
export const releaseTriesFile = 'claude-tries.json'

const mostReleases = 20

/** null: this release was never tried here, or the record has another version. */
export const readReleaseTry = (recordPath: string, version: string): ReleaseTry | null =>
  readRecord(recordPath, TriesSchema)?.tries.find((one) => one.version === version) ?? null

/** Merges a release's newest results step by step: a run of one step keeps the results of the others. */
export const rememberReleaseTry = (recordPath: string, latest: ReleaseTry): void => {
  const tries = readRecord(recordPath, TriesSchema)?.tries ?? []
  const earlier = tries.find(({ version }) => version === latest.version)
  const taken = new Set([...latest.passed, ...latest.failed])
  const merged = {
    ...latest,
    passed: [...(earlier?.passed ?? []).filter((id) => !taken.has(id)), ...latest.passed],
    failed: [...(earlier?.failed ?? []).filter((id) => !taken.has(id)), ...latest.failed],
  }
  const others = tries.filter(({ version }) => version !== latest.version)
  const kept = [merged, ...others].slice(0, mostReleases)
  writePrivateFile(recordPath, `${JSON.stringify({ version: 1, tries: kept }, null, 2)}\n`)
}

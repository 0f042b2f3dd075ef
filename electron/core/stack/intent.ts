// What the user last asked for, on disk: after a crash or reboot the next core restores exactly that.

import { z } from 'zod'
import { ProfileSchema } from '../../contract/profile.ts'
import { readRecord } from '../base/json-record.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'

const IntentSchema = z.strictObject({
  version: z.literal(1),
  /** Services that should run. */
  up: z.array(z.enum(['ramDisk', 'llamaServer', 'proxy'])),
  profileName: z.string(),
  /** The profile as started, so that editing the config doesn't change what is adopted. */
  profile: ProfileSchema,
  /** Started although it did not fit; it is restored the same way. */
  forced: z.boolean().optional(),
})
export type Intent = z.infer<typeof IntentSchema>

/** null when nothing was asked for yet, or when another version wrote the file. */
export const readIntent = (path: string): Intent | null => readRecord(path, IntentSchema)

export const writeIntent = (path: string, intent: Intent): void => {
  const text = `${JSON.stringify(intent, null, 2)}\n`
  if (readFileOrNull(path) !== text) writePrivateFile(path, text)
}

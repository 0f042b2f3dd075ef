// What the user last asked for, on disk: the next core, after a crash or a reboot, brings just that back.

import { z } from 'zod'
import { ProfileSchema } from '../../contract/profile.ts'
import { readRecord } from '../base/json-record.ts'
import { readFileOrNull, writePrivateFile } from '../base/private-file.ts'

const IntentSchema = z.strictObject({
  version: z.literal(1),
  /** Services that are wanted running. */
  up: z.array(z.enum(['ramDisk', 'llamaServer', 'proxy'])),
  profileName: z.string(),
  /** The profile as it was started, so that editing the config does not change what is adopted. */
  profile: ProfileSchema,
  /** It was started although it did not fit, and comes back so. */
  forced: z.boolean().optional(),
})
export type Intent = z.infer<typeof IntentSchema>

/** null when nothing was asked for yet, or when the file was written by something that is not this version. */
export const readIntent = (path: string): Intent | null => readRecord(path, IntentSchema)

export const writeIntent = (path: string, intent: Intent): void => {
  const text = `${JSON.stringify(intent, null, 2)}\n`
  if (readFileOrNull(path) !== text) writePrivateFile(path, text)
}

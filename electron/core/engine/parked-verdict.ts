// Whether the Router found that the running llama-server doesn't restore parked conversations.
import { join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { engineRecordName, readEngineRecord } from './engine-record.ts'

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

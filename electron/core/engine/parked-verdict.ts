// Whether the Router found out that parked conversations do nothing with the llama-server that runs.
import { join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { engineRecordName, readEngineRecord } from './engine-record.ts'

/** As resources/opta_parked_files.py names it. */
const verdictName = 'does-not-restore'

/** False also while it is not known: a model is tried before it is judged. */
export const readDoesNotRestore = ({
  parkedDir,
  proxyDir,
}: Pick<StateFolder, 'parkedDir' | 'proxyDir'>): boolean => {
  const verdict = readFileOrNull(join(parkedDir, verdictName))?.trim()
  return verdict !== undefined && verdict === readEngineRecord(join(proxyDir, engineRecordName))?.identity
}

export const doesNotRestoreText =
  'conversations that left their slots do not come back with this model: llama-server reads the files and finds nothing in them, so each is read again'

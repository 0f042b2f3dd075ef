// The guides for this machine's clients, for the profile that runs, or else for the one that would.
import { buildClientGuides, type ClientGuides } from '../core/clients/client-guide.ts'
import { developersOf } from '../core/developer-keys.ts'
import { readKeyList } from '../core/developer-keys-file.ts'
import { readHeader } from '../core/doctor/facts.ts'
import { ensureKeys } from '../core/keys.ts'
import { ensureStateFolder } from '../core/state-folder.ts'
import type { CliContext } from './context.ts'
import { readPresentProfile } from './profile-choice.ts'

export interface ReadGuides {
  readonly guides: ClientGuides
  /** What a client of no particular developer uses; null when every developer's key was revoked. */
  readonly apiKey: string | null
}

export const readClientGuides = async (context: CliContext): Promise<ReadGuides> => {
  ensureStateFolder(context.folder)
  const profile = await readPresentProfile(context)
  const { keysDir } = context.folder
  const { clientKey } = ensureKeys(keysDir, profile.proxy.clientKey)
  const list = readKeyList(keysDir)
  const developers = list === null ? [] : developersOf(list)
  const [lanAddresses, header] = await Promise.all([
    context.platform.readLanAddresses(),
    readHeader(profile.llamaServer.modelPath),
  ])
  const trainingTokens = header.kind === 'header' ? header.header.trainingContextTokens : null
  return { guides: buildClientGuides(profile, developers, lanAddresses, trainingTokens), apiKey: clientKey }
}

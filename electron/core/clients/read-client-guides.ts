// Builds the client guides from this machine's current keys, addresses and model limit.

import type { Profile } from '../../contract/profile.ts'
import { developersOf } from '../access/developer-keys.ts'
import { readKeyList } from '../access/developer-keys-file.ts'
import { ensureKeys } from '../access/keys.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { readHeaderOrReason } from '../gguf/gguf-header.ts'
import type { Platform } from '../platform/platform.ts'
import { buildClientGuides } from './client-guide.ts'

/** `apiKey` is for a client of no particular developer; null when all keys are revoked. */
export const readClientGuides = async (
  { folder, platform }: { readonly folder: Pick<StateFolder, 'keysDir'>; readonly platform: Platform },
  profile: Profile,
) => {
  const { clientKey } = ensureKeys(folder.keysDir, profile.proxy.clientKey)
  const list = readKeyList(folder.keysDir)
  const developers = list === null ? [] : developersOf(list)
  const [lanAddresses, header] = await Promise.all([
    platform.readLanAddresses(),
    readHeaderOrReason(profile.llamaServer.modelPath),
  ])
  const trainingTokens = header.kind === 'header' ? header.header.trainingContextTokens : null
  return { guides: buildClientGuides(profile, developers, lanAddresses, trainingTokens), apiKey: clientKey }
}

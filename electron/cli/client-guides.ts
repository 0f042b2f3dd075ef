// The guides for this machine's clients, for the profile that runs, or else for the one that would.
import { buildClientGuides, type ClientGuides, type Developer } from '../core/clients/client-guide.ts'
import { readHeader } from '../core/doctor/facts.ts'
import { readIntent } from '../core/intent.ts'
import { ensureKeys } from '../core/keys.ts'
import { ensureStateFolder } from '../core/state-folder.ts'
import type { CliContext } from './context.ts'
import { readChosenProfile } from './profile-choice.ts'

export interface ReadGuides {
  readonly guides: ClientGuides
  /** What a client of no particular developer uses. */
  readonly apiKey: string
}

export const readClientGuides = async (context: CliContext): Promise<ReadGuides> => {
  ensureStateFolder(context.folder)
  const intent = readIntent(context.folder.intentPath)
  const profile =
    intent !== null && intent.up.length > 0
      ? intent.profile
      : (await readChosenProfile(context, null)).profile
  const { clientKey } = ensureKeys(context.folder.keysDir, profile.proxy.clientKey)
  const developers: readonly Developer[] = [{ name: 'local', key: clientKey }]
  const [lanAddresses, header] = await Promise.all([
    context.platform.readLanAddresses(),
    readHeader(profile.llamaServer.modelPath),
  ])
  const trainingTokens = header.kind === 'header' ? header.header.trainingContextTokens : null
  return { guides: buildClientGuides(profile, developers, lanAddresses, trainingTokens), apiKey: clientKey }
}

// The guides for this machine's clients, for the running profile, else for the one that would start.
import { readClientGuides as readGuides } from '../core/clients/read-client-guides.ts'
import { ensureStateFolder } from '../core/config/state-folder.ts'
import type { CliContext } from './context.ts'
import { readPresentProfile } from './profile-choice.ts'

export const readClientGuides = async (context: CliContext) => {
  ensureStateFolder(context.folder)
  return readGuides(context, await readPresentProfile(context))
}

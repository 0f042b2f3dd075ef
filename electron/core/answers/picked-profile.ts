// The profile that a query is about: the running one, else the one a start would choose.
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { AnswerContext } from './answer-query.ts'

/** Throws ConfigError when the configured profile cannot be read. */
export const pickProfile = ({
  running,
  settings,
  folder,
}: Pick<AnswerContext, 'running' | 'settings' | 'folder'>): ChosenProfile =>
  running() ?? chooseProfile(settings.reread(), null, folder.runtimeDir)

// The profile that a question is about: what runs, else what a start would take now.
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { AnswerContext } from './answer-query.ts'

/** Throws ConfigError when the configured profile cannot be read. */
export const pickProfile = ({
  running,
  settings,
  folder,
}: Pick<AnswerContext, 'running' | 'settings' | 'folder'>): ChosenProfile =>
  running() ?? chooseProfile(settings.reread(), null, folder.runtimeDir)

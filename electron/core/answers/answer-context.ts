// What answers are made from, and the profile that they are about.
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Platform } from '../platform/platform.ts'

export interface AnswerContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly settings: Settings
  /** The running profile, with the reason for choosing it; null when nothing runs. */
  readonly running: () => ChosenProfile | null
}

/** The running profile, else the one that a start would choose. Throws ConfigError when the configured profile cannot be read. */
export const pickProfile = ({
  running,
  settings,
  folder,
}: Pick<AnswerContext, 'running' | 'settings' | 'folder'>): ChosenProfile =>
  running() ?? chooseProfile(settings.reread(), null, folder.runtimeDir)

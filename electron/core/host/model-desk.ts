// Models in this core: fetching them, and which ones the profile that would run still lacks.
import type { StackEvent } from '../../contract/notice.ts'
import type { MissingModel } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { LogError } from '../logs/core-log.ts'
import { readCatalogue } from '../models/catalogue.ts'
import { readMissingModels } from '../models/missing-models.ts'
import { createModelFetches, type ModelFetches } from '../models/model-fetches.ts'
import type { Platform } from '../platform/platform.ts'

export interface ModelDesk {
  readonly fetches: ModelFetches
  missing(): readonly MissingModel[]
  /** Checks again which are missing. */
  look(): void
}

export const createModelDesk = ({
  folder,
  platform,
  resourcesDir,
  env,
  settings,
  ramDiskMount,
  note,
  onChange,
  onIdle,
  logError,
}: {
  readonly folder: StateFolder
  readonly platform: Pick<Platform, 'id'>
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly settings: Pick<Settings, 'current'>
  /** Where the RAM disk is mounted; null when unknown. */
  readonly ramDiskMount: () => string | null
  readonly note: (severity: StackEvent['severity'], text: string) => void
  readonly onChange: () => void
  /** A fetch has ended or was refused: this core may have been started only for it. */
  readonly onIdle: () => void
  readonly logError: LogError
}): ModelDesk => {
  let missing: readonly MissingModel[] = []
  /** For the profile that would run; by default `studio`, which the demo replaces while its model is missing. */
  const look = () => {
    try {
      const config = settings.current()
      const wanted = chooseProfile(config, config.profile ?? 'studio', folder.runtimeDir)
      missing = readMissingModels(wanted, folder.modelsDir, () => readCatalogue(resourcesDir))
    } catch (error) {
      logError(new Error(`could not check which models are missing: ${messageOf(error)}`))
    }
  }
  const fetches = createModelFetches({
    folder,
    env,
    readCatalogue: () => readCatalogue(resourcesDir),
    findElsewhere: async (file) =>
      (await import('../models/other-programs.ts')).findCopies(file, { env, platform: platform.id }),
    ramDiskMount,
    onChange,
    onEnded: ({ id, phase, reason }) => {
      if (phase === 'done') note('info', `The model ${id} was fetched`)
      if (phase === 'failed') note('critical', `Could not fetch the model ${id}: ${reason}`)
      look()
      onChange()
      onIdle()
    },
    logError,
  })
  return {
    fetches: {
      ...fetches,
      start: (command) => {
        const outcome = fetches.start(command)
        if (!outcome.accepted) onIdle()
        return outcome
      },
    },
    missing: () => missing,
    look,
  }
}

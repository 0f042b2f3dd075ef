// Models in this core: fetching them, and which ones the profile that would run still lacks.
import type { MissingModel } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { chooseProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import { readCatalogue } from '../models/catalogue.ts'
import { readMissingModels } from '../models/find-models.ts'
import { createModelFetches, type ModelFetches } from '../models/model-fetches.ts'
import type { AssemblyOptions } from '../stack/assembly-options.ts'
import type { CommandedCore } from './commanded-core.ts'

export interface ModelDeskOptions
  extends Pick<AssemblyOptions, 'folder' | 'platform' | 'resourcesDir' | 'env'>,
    Pick<CommandedCore, 'note' | 'onChange' | 'logError'> {
  readonly settings: Pick<Settings, 'current'>
  /** Where the RAM disk is mounted; null when unknown. */
  readonly ramDiskMount: () => string | null
  /** A fetch has ended or was refused: this core may have been started only for it. */
  readonly onIdle: () => void
}

export const createModelDesk = (options: ModelDeskOptions) => {
  const { folder, platform, resourcesDir, env, settings, note, onChange, onIdle, logError } = options
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
    ramDiskMount: options.ramDiskMount,
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
      start: (command: Parameters<ModelFetches['start']>[0]) => {
        const outcome = fetches.start(command)
        if (!outcome.accepted) onIdle()
        return outcome
      },
    },
    missing: () => missing,
    look,
  }
}

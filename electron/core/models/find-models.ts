// Finds the catalogue's models on this machine, with the headers to plan them by, and the missing models of a profile.
import { basename, dirname, join } from 'node:path'
import type { MissingModel } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import { isReadable, listModelFiles } from '../config/model-parts.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { readGgufHeader } from '../gguf/gguf-header.ts'
import { modelStem } from '../gguf/split-files.ts'
import { demoModelPath } from '../setup/demo-model.ts'
import { type CatalogueModel, firstFileName, headerOf, whyNoHeader } from './catalogue.ts'
import type { ModelFiles } from './judge-models.ts'

/** In order: the first folder with all files of a model is used. */
export const modelFolders = (modelsDir: string, runtimeDir: string): readonly string[] => [
  ...new Set([modelsDir, '/Users/Shared/Models', dirname(demoModelPath(runtimeDir))]),
]

/** Path of the first part, or of the single file that the parts were joined into; null: incomplete. */
export const findModel = (model: CatalogueModel, folders: readonly string[]): string | null => {
  const first = firstFileName(model)
  for (const folder of folders) {
    const parts = model.files.map(({ path }) => join(folder, basename(path)))
    if (parts.every(isReadable)) return join(folder, first)
    const whole = join(folder, `${modelStem(first)}.gguf`)
    if (isReadable(whole)) return whole
  }
  return null
}

/** A local file takes precedence over the catalogue. */
export const readModelFiles = async (
  model: CatalogueModel,
  folders: readonly string[],
): Promise<ModelFiles> => {
  const path = findModel(model, folders)
  if (path !== null) {
    try {
      return { model, path, header: await readGgufHeader(path), whyNoHeader: null }
    } catch (error) {
      return { model, path, header: null, whyNoHeader: messageOf(error) }
    }
  }
  return { model, path, header: headerOf(model), whyNoHeader: whyNoHeader(model) }
}

/** Reads the catalogue only when a model is missing: every start of a core asks. */
export const readMissingModels = (
  { name, profile }: Pick<ChosenProfile, 'name' | 'profile'>,
  modelsDir: string,
  readCatalogue: () => readonly Pick<CatalogueModel, 'id' | 'repo' | 'files'>[],
): readonly MissingModel[] => {
  const { modelPath, draftModelPath } = profile.llamaServer
  const paths = draftModelPath === null ? [modelPath] : [modelPath, draftModelPath]
  return paths.flatMap((path) => {
    if (dirname(path) !== modelsDir || listModelFiles(path).every(isReadable)) return []
    const known = readCatalogue().find(
      ({ repo, files }) => repo !== null && files.some((file) => isSameModel(file.path, path)),
    )
    if (known === undefined) return []
    const bytes = known.files.reduce<number | null>(
      (sum, file) => (sum === null || file.bytes === null ? null : sum + file.bytes),
      0,
    )
    return [{ model: known.id, file: basename(path), profile: name, bytes }]
  })
}

/** A profile may name a single file of a model that is published in parts. */
const isSameModel = (published: string, path: string): boolean =>
  basename(modelStem(published)) === basename(modelStem(path))

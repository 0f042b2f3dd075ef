// Finds missing models of a profile that a fetch would put in the right place.
import { basename, dirname } from 'node:path'
import type { MissingModel } from '../../contract/snapshot.ts'
import { isReadable, listModelFiles } from '../config/model-parts.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { modelStem } from '../gguf/split-files.ts'
import type { CatalogueModel } from './catalogue.ts'

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

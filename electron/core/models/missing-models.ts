// Models that a profile names and that aren't here, where a fetch would put them just there.
import { basename, dirname } from 'node:path'
import type { MissingModel } from '../../contract/snapshot.ts'
import { isReadable, listModelFiles } from '../config/model-parts.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import { parseSplitName } from '../gguf/split-files.ts'
import type { CatalogueModel } from './catalogue.ts'

export const readMissingModels = (
  { name, profile }: Pick<ChosenProfile, 'name' | 'profile'>,
  modelsDir: string,
  catalogue: readonly Pick<CatalogueModel, 'id' | 'repo' | 'files'>[],
): readonly MissingModel[] => {
  const { modelPath, draftModelPath } = profile.llamaServer
  const paths = draftModelPath === null ? [modelPath] : [modelPath, draftModelPath]
  return paths.flatMap((path) => {
    if (dirname(path) !== modelsDir || listModelFiles(path).every(isReadable)) return []
    const known = catalogue.find(
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

/** A profile may name the one file of a model that is published in parts. */
const isSameModel = (published: string, path: string): boolean => modelName(published) === modelName(path)

const modelName = (path: string): string => {
  const name = basename(path)
  return parseSplitName(name)?.prefix ?? basename(name, '.gguf')
}

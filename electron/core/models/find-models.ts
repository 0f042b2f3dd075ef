// Finds the catalogue's models on this machine, with the headers to plan them by.
import { basename, dirname, join } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import { isReadable } from '../config/model-parts.ts'
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

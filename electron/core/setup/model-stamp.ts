// Whether a model installed by set-up is complete: a stamp file is written after its hash was checked.
import { stat, writeFile } from 'node:fs/promises'

export interface StampedModel {
  readonly sizeBytes: number
  readonly sha256: string
}

const stampPath = (modelPath: string, { sha256 }: StampedModel): string =>
  `${modelPath}.${sha256.slice(0, 8)}`

/** Checks stamp and size: hashing 253 MB at every start would take most of a second. */
export const isModelComplete = async (modelPath: string, model: StampedModel): Promise<boolean> => {
  try {
    await stat(stampPath(modelPath, model))
    return (await stat(modelPath)).size === model.sizeBytes
  } catch {
    return false
  }
}

/** The caller must have checked the hash. */
export const stampModel = (modelPath: string, model: StampedModel): Promise<void> =>
  writeFile(stampPath(modelPath, model), '')

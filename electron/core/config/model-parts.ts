// Finds the parts of a model that the profile names as a single file: unsloth and lmstudio-community publish
// DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf as …-00001-of-00002.gguf and …-00002-of-00002.gguf (issue 16).
import { constants } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { listNames, mayAccess } from '../base/regular-file.ts'
import { parseSplitName, splitPath } from '../gguf/split-files.ts'

/** Replaces a missing model file by its first part, if there are parts. */
export function withModelParts(profile: Profile): Profile {
  const { modelPath, draftModelPath } = profile.llamaServer
  return {
    ...profile,
    llamaServer: {
      ...profile.llamaServer,
      modelPath: findModelFile(modelPath),
      draftModelPath: draftModelPath === null ? null : findModelFile(draftModelPath),
    },
  }
}

/** All files of a model, given its file or its first part. */
export function listModelFiles(path: string): readonly string[] {
  const name = parseSplitName(path)
  return name === null ? [path] : Array.from({ length: name.parts }, (_, index) => splitPath(name, index + 1))
}

/** The first part of a complete set, else of an incomplete one (the missing part is then reported), else the path itself. */
function findModelFile(path: string): string {
  if (isReadable(path) || !path.endsWith('.gguf') || parseSplitName(path) !== null) return path
  const prefix = basename(path, '.gguf')
  const firstParts = listNames(dirname(path))
    .filter((name) => parseSplitName(name)?.part === 1 && parseSplitName(name)?.prefix === prefix)
    .sort()
    .map((name) => join(dirname(path), name))
  return firstParts.find((first) => listModelFiles(first).every(isReadable)) ?? firstParts[0] ?? path
}

export const isReadable = (path: string): boolean => mayAccess(path, constants.R_OK)

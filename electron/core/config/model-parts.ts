// Models published in parts, where a profile names the one file: DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf comes from unsloth and
// lmstudio-community as …-00001-of-00002.gguf and …-00002-of-00002.gguf (issue 16).
import { accessSync, constants, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { parseSplitName, splitPath } from '../gguf/split-files.ts'

/** With the first part in place of a file that isn't there, where its parts are. */
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

/** All files of a model, whose name may be that of its first part. */
export function listModelFiles(path: string): readonly string[] {
  const name = parseSplitName(path)
  return name === null ? [path] : Array.from({ length: name.parts }, (_, index) => splitPath(name, index + 1))
}

/** The first part of a whole set, else of one that lacks some: what is missing is then named. Else the path as it was. */
function findModelFile(path: string): string {
  if (isReadable(path) || !path.endsWith('.gguf') || parseSplitName(path) !== null) return path
  const prefix = basename(path, '.gguf')
  const firstParts = listNames(dirname(path))
    .filter((name) => parseSplitName(name)?.part === 1 && parseSplitName(name)?.prefix === prefix)
    .sort()
    .map((name) => join(dirname(path), name))
  return firstParts.find((first) => listModelFiles(first).every(isReadable)) ?? firstParts[0] ?? path
}

export const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** A folder that cannot be listed holds no parts that could be used. */
const listNames = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

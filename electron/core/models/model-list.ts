// Lists the models on this machine: ours with their state, and those of other programs.
import { lstatSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { listNames, statIfThere } from '../base/regular-file.ts'
import { listModelFiles } from '../config/model-parts.ts'
import { modelStem } from '../gguf/split-files.ts'
import { type FilePlace, placeOf, readFetchRecord } from './fetched-file.ts'
import { listOtherModels, type Surroundings } from './other-programs.ts'

/**
 * `whole`: fetched, hash verified. `part`: being fetched, or interrupted. `unknown`: put there by hand. `linked`: a link to
 * another program's file. `dangling`: that file is gone.
 */
type ModelState = 'whole' | 'part' | 'unknown' | 'linked' | 'dangling'
export type ModelHere = Readonly<ReturnType<typeof describeModel>>

export type ModelList = Readonly<Awaited<ReturnType<typeof listModels>>>

export const listModels = async (modelsDir: string, surroundings: Surroundings) => ({
  dir: modelsDir,
  models: listModelsHere(modelsDir),
  others: await listOtherModels(surroundings),
})

export const listModelsHere = (modelsDir: string): readonly ModelHere[] => {
  const names = new Set(
    listNames(modelsDir).flatMap((name) => {
      const part = /^\.(.+\.gguf)\.part$/.exec(name)?.[1]
      return part ?? (name.endsWith('.gguf') && !name.startsWith('.') ? name : [])
    }),
  )
  const firsts = new Map<string, string[]>()
  for (const name of names) {
    const key = modelStem(name)
    firsts.set(key, [...(firsts.get(key) ?? []), name].sort())
  }
  return [...firsts]
    .map(([name, files]) => describeModel(modelsDir, name, files))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const describeModel = (modelsDir: string, name: string, files: readonly string[]) => {
  const path = join(modelsDir, files[0] ?? name)
  const parts = listModelFiles(path).map((each) => placeOf(modelsDir, each))
  const records = parts.map(readFetchRecord)
  const [record] = records
  const linkedTo = readLink(path)
  const sizes = parts.map(
    ({ targetPath, partPath }) => statIfThere(targetPath)?.size ?? statIfThere(partPath)?.size ?? 0,
  )
  const isHere = parts.every(({ targetPath }) => statIfThere(targetPath) !== null)
  const judgeState = (): ModelState => {
    if (linkedTo !== null) return isHere ? 'linked' : 'dangling'
    if (!isHere) return 'part'
    return records.every((each) => each !== null && each.verified !== null) ? 'whole' : 'unknown'
  }
  return {
    /** Without `.gguf` and the part number. */
    name,
    /** Of its first part, as named in a profile. */
    path,
    /** Bytes on disk. */
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    /** REPO:FILE; null: we did not fetch it. */
    from: record === undefined || record === null ? null : `${record.repo}:${record.path}`,
    state: judgeState(),
    /** Target of the link; null: not a link. */
    linkedTo,
  }
}

const readLink = (path: string): string | null => {
  const stats = statIfThere(path, lstatSync)
  return stats?.isSymbolicLink() === true ? readlinkSync(path) : null
}

/** Only our own files: complete, partial, or links. null when we fetched none of it. */
export const listOwnFiles = (modelsDir: string, { path }: ModelHere): readonly string[] | null => {
  const places = listModelFiles(path)
    .map((each): FilePlace => placeOf(modelsDir, each))
    .filter((place) => readFetchRecord(place) !== null)
  if (places.length === 0) return null
  return places.flatMap(({ targetPath, partPath, recordPath }) =>
    [targetPath, partPath, recordPath].filter((each) => statIfThere(each, lstatSync) !== null),
  )
}

export const removeFiles = (paths: readonly string[]): void => {
  for (const path of paths) rmSync(path, { force: true })
}

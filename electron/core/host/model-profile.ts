// A profile for a model of the catalogue, as `nexus up --model` starts it.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { judgeOne, modelAgents, readJudgedMachine } from '../answers/models-answer.ts'
import { writePrivateFile } from '../base/private-file.ts'
import { commandToHave, findInCatalogue, readCatalogue } from '../models/catalogue.ts'
import { findModel, modelFolders } from '../models/find-models.ts'
import { overrideFor } from '../models/judge-models.ts'
import type { PlanSurroundings } from '../stack/plan-reading.ts'

/** Writes it into the state folder, where the user can copy and change it; returns its path. Throws when it can't run here. */
export const writeModelProfile = async (id: string, surroundings: PlanSurroundings): Promise<string> => {
  const { folder, resourcesDir } = surroundings
  const catalogue = readCatalogue(resourcesDir)
  const model = findInCatalogue(catalogue, id)
  const machine = await readJudgedMachine(null, surroundings)
  const judged = await judgeOne(model, catalogue, surroundings, modelAgents, machine)
  const { path, contextTokens, why } = judged
  if (path === null) throw new Error(`${id} is not here: ${commandToHave(model)}`)
  if (contextTokens === null)
    throw new Error(`${model.name} can't run on this machine: ${why}. nexus models shows what can.`)
  const folders = modelFolders(folder.modelsDir, folder.runtimeDir)
  const draft = model.draft === null ? null : findModel(findInCatalogue(catalogue, model.draft), folders)
  const profile = overrideFor({ model, path }, draft, { agents: modelAgents, contextTokens, machine })
  const profilePath = join(folder.root, 'model-profiles', `${id}.json`)
  mkdirSync(dirname(profilePath), { recursive: true, mode: 0o700 })
  writePrivateFile(profilePath, `${JSON.stringify(profile, null, 2)}\n`)
  return profilePath
}

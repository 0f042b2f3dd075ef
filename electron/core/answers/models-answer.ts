// The models that were judged, for this machine: what a window shows of them, the judging that `nexus models` shares, and the profile
// for one of them, as `nexus up --model` starts it.

import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ModelsAnswer } from '../../contract/question.ts'
import { writePrivateFile } from '../base/private-file.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { type CatalogueModel, commandToHave, findInCatalogue, readCatalogue } from '../models/catalogue.ts'
import { explainChoice, saySource } from '../models/explain-models.ts'
import { findModel, modelFolders, readModelFiles } from '../models/find-models.ts'
import {
  bestForAgents,
  firstTurnTokens,
  type JudgedMachine,
  type JudgedModel,
  judgeModel,
  orderModels,
  overrideFor,
} from '../models/judge-models.ts'
import { type PlanSurroundings, readMachine } from '../stack/plan-reading.ts'

/** As the studio has them, and as many as `nexus up --model` plans for. */
export const modelAgents = 4

/** @param machine this machine in words; null: not known */
export const answerModels = async (
  surroundings: PlanSurroundings,
  machine: string | null,
): Promise<ModelsAnswer> => {
  const judged = await judgeCatalogue(surroundings, modelAgents, await readJudgedMachine(null, surroundings))
  return describeModels(judged, machine)
}

export const describeModels = (judged: readonly JudgedModel[], machine: string | null): ModelsAnswer => ({
  agents: modelAgents,
  firstTurnTokens,
  machine,
  bestId: bestForAgents(judged)?.model.id ?? null,
  models: judged.map((each) => ({
    id: each.model.id,
    name: each.model.name,
    weightBytes: each.model.weightBytes,
    fit: each.fit,
    whyUnknown: each.fit === 'unknown' ? each.why : null,
    neededBytes: each.neededBytes,
    tokensPerAgent: each.tokensPerAgent,
    firstTurnSeconds: each.firstTurnSeconds,
    generationTokensPerSecond: each.generationTokensPerSecond,
    source: each.model.speed === null ? null : saySource(each.model.speed),
    isHere: each.path !== null,
    canFetch: each.model.repo !== null,
  })),
  notes: [...explainChoice(judged)],
})

const studioProfile = ({ folder }: Pick<PlanSurroundings, 'folder'>) => {
  const { studio } = builtinProfiles(folder.runtimeDir)
  if (studio === undefined) throw new Error('there is no studio profile')
  return studio
}

/** @param memoryGb what a Mac of that size would be; null: this machine */
export const readJudgedMachine = async (
  memoryGb: number | null,
  surroundings: PlanSurroundings,
): Promise<JudgedMachine> => {
  const { totalMemoryBytes, gpuLimitBytes } = await readMachine(
    memoryGb,
    surroundings,
    studioProfile(surroundings),
  )
  return {
    totalBytes: totalMemoryBytes,
    gpuLimitBytes,
    isMac: memoryGb !== null || surroundings.platform.id === 'darwin',
  }
}

/** In the order in which they are shown. */
export const judgeCatalogue = async (
  surroundings: Pick<PlanSurroundings, 'folder' | 'resourcesDir'>,
  agents: number,
  machine: JudgedMachine,
): Promise<readonly JudgedModel[]> => {
  const catalogue = readCatalogue(surroundings.resourcesDir)
  return orderModels(
    await Promise.all(catalogue.map((model) => judgeOne(model, catalogue, surroundings, agents, machine))),
  )
}

export const judgeOne = async (
  model: CatalogueModel,
  catalogue: readonly CatalogueModel[],
  { folder }: Pick<PlanSurroundings, 'folder'>,
  agents: number,
  machine: JudgedMachine,
): Promise<JudgedModel> => {
  const folders = modelFolders(folder.modelsDir, folder.runtimeDir)
  const [files, draft] = await Promise.all([
    readModelFiles(model, folders),
    model.draft === null ? null : readModelFiles(findInCatalogue(catalogue, model.draft), folders),
  ])
  return judgeModel(files, draft, studioProfile({ folder }), { agents, machine })
}

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

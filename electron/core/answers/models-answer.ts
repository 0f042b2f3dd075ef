// The models that were judged, for this machine: what a window shows of them, and the judging that `nexus models` shares.
import type { ModelsAnswer } from '../../contract/question.ts'
import { builtinProfiles } from '../config/profiles.ts'
import { type CatalogueModel, findInCatalogue, readCatalogue } from '../models/catalogue.ts'
import { explainChoice, saySource } from '../models/explain-models.ts'
import { modelFolders, readModelFiles } from '../models/find-models.ts'
import {
  bestForAgents,
  firstTurnTokens,
  type JudgedMachine,
  type JudgedModel,
  judgeModel,
  orderModels,
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

// `nexus models`: the catalogue, judged for this machine or for a Mac of another size. Refuses nothing.

import { builtinProfiles } from '../../core/config/profiles.ts'
import { type CatalogueModel, findInCatalogue, readCatalogue } from '../../core/models/catalogue.ts'
import { modelFolders, readModelFiles } from '../../core/models/find-models.ts'
import {
  bestForAgents,
  type JudgedMachine,
  type JudgedModel,
  judgeModel,
  orderModels,
} from '../../core/models/judge-models.ts'
import { readMachineIdentity, sayMachine } from '../../core/platform/machine-identity.ts'
import { readMachine } from '../../core/stack/plan-reading.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { renderModels } from '../view/models-view.ts'

export const runModels = async (
  { agents, memoryGb, json }: Extract<CliCommand, { name: 'models' }>,
  context: CliContext,
): Promise<number> => {
  const machine = await readJudgedMachine(memoryGb, context)
  const models = orderModels(await judgeCatalogue(context, agents, machine))
  const identity = memoryGb === null ? await readMachineIdentity(machine.totalBytes).catch(() => null) : null
  if (json) {
    const best = bestForAgents(models)?.model.id ?? null
    context.print(JSON.stringify({ agents, machine, identity, best, models }, null, 2))
    return exitCodes.done
  }
  const where = identity === null ? null : sayMachine(identity)
  for (const line of renderModels({ models, agents, machine, where }, context)) context.print(line)
  return exitCodes.done
}

const studioProfile = ({ folder }: CliContext) => {
  const { studio } = builtinProfiles(folder.runtimeDir)
  if (studio === undefined) throw new Error('there is no studio profile')
  return studio
}

/** @param memoryGb judges for a Mac of that size; null: for this machine */
export const readJudgedMachine = async (
  memoryGb: number | null,
  context: CliContext,
): Promise<JudgedMachine> => {
  const { totalMemoryBytes, gpuLimitBytes } = await readMachine(memoryGb, context, studioProfile(context))
  return {
    totalBytes: totalMemoryBytes,
    gpuLimitBytes,
    isMac: memoryGb !== null || context.platform.id === 'darwin',
  }
}

const judgeCatalogue = async (
  context: CliContext,
  agents: number,
  machine: JudgedMachine,
): Promise<readonly JudgedModel[]> => {
  const catalogue = readCatalogue(context.resourcesDir)
  return Promise.all(catalogue.map((model) => judgeOne(model, catalogue, context, agents, machine)))
}

export const judgeOne = async (
  model: CatalogueModel,
  catalogue: readonly CatalogueModel[],
  { folder, ...context }: CliContext,
  agents: number,
  machine: JudgedMachine,
): Promise<JudgedModel> => {
  const folders = modelFolders(folder.modelsDir, folder.runtimeDir)
  const [files, draft] = await Promise.all([
    readModelFiles(model, folders),
    model.draft === null ? null : readModelFiles(findInCatalogue(catalogue, model.draft), folders),
  ])
  return judgeModel(files, draft, studioProfile({ folder, ...context }), { agents, machine })
}

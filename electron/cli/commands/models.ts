// `nexus models`: the catalogue, judged for this machine or for a Mac of another size. Refuses nothing.
import { judgeCatalogue, readJudgedMachine } from '../../core/answers/models-answer.ts'
import { bestForAgents } from '../../core/models/judge-models.ts'
import { readMachineIdentity, sayMachine } from '../../core/platform/machine-identity.ts'
import type { CommandNamed } from '../arguments.ts'
import { type CliContext, printAnswer } from '../context.ts'
import { renderModels } from '../view/models-view.ts'

export const runModels = async (
  { agents, memoryGb, json }: CommandNamed<'models'>,
  context: CliContext,
): Promise<number> => {
  const machine = await readJudgedMachine(memoryGb, context)
  const models = await judgeCatalogue(context, agents, machine)
  const identity = memoryGb === null ? await readMachineIdentity(machine.totalBytes).catch(() => null) : null
  const best = bestForAgents(models)?.model.id ?? null
  const where = identity === null ? null : sayMachine(identity)
  const lines = renderModels({ models, agents, machine, where }, context)
  return printAnswer(context, json, { agents, machine, identity, best, models }, lines)
}

// `nexus models`: the catalogue, judged for this machine or for a Mac of another size. Refuses nothing.

import { judgeCatalogue, readJudgedMachine } from '../../core/answers/models-answer.ts'
import { bestForAgents } from '../../core/models/judge-models.ts'
import { readMachineIdentity, sayMachine } from '../../core/platform/machine-identity.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { renderModels } from '../view/models-view.ts'

export const runModels = async (
  { agents, memoryGb, json }: Extract<CliCommand, { name: 'models' }>,
  context: CliContext,
): Promise<number> => {
  const machine = await readJudgedMachine(memoryGb, context)
  const models = await judgeCatalogue(context, agents, machine)
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

// `nexus plan`: does it fit, and the exact command lines with every adaptation explained.

import { resolve } from 'node:path'
import type { Profile } from '../../contract/profile.ts'
import { formatBytes } from '../../core/base/format-bytes.ts'
import { localUrl } from '../../core/base/local-url.ts'
import { ConfigError, judgeProfile } from '../../core/config/config.ts'
import { readMachineIdentity, sayMachine } from '../../core/platform/machine-identity.ts'
import type { GpuUse } from '../../core/platform/platform.ts'
import { planGateway } from '../../core/router/gateway-plan.ts'
import { planRouter } from '../../core/router/router-plan.ts'
import { readDifferences, readEngine, readMachine, readMemory } from '../../core/stack/plan-reading.ts'
import { plural } from '../../wording/figures.ts'
import type { CliCommand } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readAnyProfile } from '../profile-choice.ts'
import { renderEnginePlan } from '../view/engine-plan-view.ts'
import { renderGatewayPlan } from '../view/gateway-plan-view.ts'
import { renderMemoryReading, renderPlanDifferences } from '../view/plan-view.ts'
import { renderRouterPlan } from '../view/router-plan-view.ts'

type PlanCommand = Extract<CliCommand, { name: 'plan' }>

/**
 * 1 when the profile does not fit or can't start as it is, for example with a model file that llama-server could not
 * serve; 0 otherwise, even when something is unknown, such as a model still to be fetched. Problems that make the
 * profile impossible on this machine are printed with the plan, not instead of it.
 */
export const runPlan = async (command: PlanCommand, context: CliContext): Promise<number> => {
  const host = await readHost(context)
  if (host !== null)
    context.printError(`${host}'s stack runs here; the plan below is for a stack of your own.`)
  const { name, profile: chosen, because } = readAnyProfile(context, command.profile)
  const profile = withFiles(chosen, command)
  const machine = await readMachine(command.memoryGb, context, profile)
  const problems = judgeProfile(profile, machine.totalMemoryBytes)
  const [engine, memory, identity] = await Promise.all([
    readEngine(context, name, profile, machine, { assumeBuild: true }),
    readMemory(context, name, profile, machine),
    // A plan for another machine doesn't describe this one.
    command.memoryGb === null ? readMachineIdentity(machine.totalMemoryBytes).catch(() => null) : null,
  ])
  const allocated = await readDifferences(context, profile, memory)
  const fits = memory.kind === 'planned' ? memory.plan.verdict !== 'does-not-fit' : memory.files === 'missing'
  const code = fits && engine.argv !== null && problems.length === 0 ? exitCodes.done : exitCodes.failed
  const gateway = planGateway(profile, context.folder)
  if (command.json) {
    const { totalMemoryBytes } = machine
    context.print(
      JSON.stringify(
        {
          profile: name,
          because,
          totalMemoryBytes,
          machine: identity,
          problems,
          engine,
          router: planRouter(profile),
          gateway,
          memory,
          allocated,
          nodes: profile.nodes ?? [],
        },
        null,
        2,
      ),
    )
    return code
  }
  const where = command.memoryGb === null ? '' : `, planned for a machine with ${command.memoryGb} GiB`
  context.print(`Profile ${name}: ${because}${where}.`)
  if (identity !== null) context.print(`This machine: ${sayMachine(identity)}.`)
  context.print('')
  for (const line of renderMemoryReading(memory, context)) context.print(line)
  if (allocated !== null) {
    context.print('\nIt is running; llama-server reports these allocations:')
    for (const line of renderPlanDifferences(allocated, context)) context.print(line)
    const gpu = describeGpuUse(await context.platform.readGpuUse())
    if (gpu !== null) context.print(gpu)
  }
  context.print('')
  for (const line of renderEnginePlan(engine, context)) context.print(line)
  context.print('')
  for (const line of renderRouterPlan(planRouter(profile), context)) context.print(line)
  if (gateway !== null) {
    context.print('')
    for (const line of renderGatewayPlan(gateway, context)) context.print(line)
  }
  for (const line of describeNodes(profile)) context.print(line)
  if (problems.length > 0) context.print(`\n${new ConfigError(`profile ${name}`, problems).message}`)
  return code
}

const describeGpuUse = (use: GpuUse | null): string | null => {
  if (use === null || use.usedBytes === null) return null
  const busy = use.busyPercent === null ? '' : `, and is ${use.busyPercent} % busy`
  return `The GPU holds ${formatBytes(use.usedBytes)} for all programs${busy}.`
}

/** The nodes that LiteLLM balances over; each machine's own core plans its memory. */
const describeNodes = ({ nodes = [], llamaServer }: Profile): readonly string[] => {
  if (nodes.length === 0) return []
  const slots = nodes.reduce((sum, node) => sum + node.slots, llamaServer.slots)
  return [
    `\nThe Router sends each request to the least busy of ${nodes.length + 1} Studios, ${slots} slots together:`,
    `  this one: ${plural(llamaServer.slots, 'slot')}`,
    ...nodes.map(
      ({ name, host, port, slots: own, keyFile }) =>
        `  ${name}: ${plural(own, 'slot')} at ${localUrl(host, port)}${keyFile === null ? ', without a key' : ''}`,
    ),
    'A Studio that fails gets no requests for a while, and a request whose answer had not begun goes to another.',
  ]
}

const withFiles = (profile: Profile, { model, draft }: PlanCommand): Profile => ({
  ...profile,
  llamaServer: {
    ...profile.llamaServer,
    ...(model === null ? {} : { modelPath: resolve(model) }),
    ...(draft === null ? {} : { draftModelPath: resolve(draft) }),
  },
})

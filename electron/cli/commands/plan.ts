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
import type { CommandNamed } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { type CliContext, exitCodes, printAnswer } from '../context.ts'
import { readAnyProfile } from '../profile-choice.ts'
import {
  renderEnginePlan,
  renderGatewayPlan,
  renderMemoryReading,
  renderPlanDifferences,
  renderRouterPlan,
} from '../view/plan-view.ts'

type PlanCommand = CommandNamed<'plan'>

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
  const router = planRouter(profile)
  const document = {
    profile: name,
    because,
    totalMemoryBytes: machine.totalMemoryBytes,
    machine: identity,
    problems,
    engine,
    router,
    gateway,
    memory,
    allocated,
    nodes: profile.nodes ?? [],
  }
  const where = command.memoryGb === null ? '' : `, planned for a machine with ${command.memoryGb} GiB`
  printAnswer(context, command.json, document, [
    `Profile ${name}: ${because}${where}.`,
    ...(identity === null ? [] : [`This machine: ${sayMachine(identity)}.`]),
    '',
    ...renderMemoryReading(memory, context),
    ...(allocated === null
      ? []
      : [
          '\nIt is running; llama-server reports these allocations:',
          ...renderPlanDifferences(allocated, context),
          ...describeGpuUse(await context.platform.readGpuUse()),
        ]),
    '',
    ...renderEnginePlan(engine, context),
    '',
    ...renderRouterPlan(router, context),
    ...(gateway === null ? [] : ['', ...renderGatewayPlan(gateway, context)]),
    ...describeNodes(profile),
    ...(problems.length === 0 ? [] : [`\n${new ConfigError(`profile ${name}`, problems).message}`]),
  ])
  return code
}

const describeGpuUse = (use: GpuUse | null): readonly string[] => {
  if (use === null || use.usedBytes === null) return []
  const busy = use.busyPercent === null ? '' : `, and is ${use.busyPercent} % busy`
  return [`The GPU holds ${formatBytes(use.usedBytes)} for all programs${busy}.`]
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

// The plan for a window: whether it fits, its command line, and the actual allocations beside it.
import type { MemoryPlan } from '../../contract/memory-plan.ts'
import type { PlanAnswer } from '../../contract/question.ts'
import { judgeProfile } from '../config/config.ts'
import type { PlanDifference } from '../memory/memory-map.ts'
import type { EnginePlan, MemoryPlanReading } from '../memory/stack-plan.ts'
import { planGateway } from '../router/gateway-plan.ts'
import { planRouter } from '../router/router-plan.ts'
import { readDifferences, readEngine, readMachine, readMemory } from '../stack/plan-reading.ts'
import { type AnswerContext, pickProfile } from './answer-context.ts'

/** Throws ConfigError when no profile can be read. */
export const answerPlan = async (context: AnswerContext): Promise<PlanAnswer> => {
  const { name, profile, because } = pickProfile(context)
  const machine = await readMachine(null, context, profile)
  const [engine, memory] = await Promise.all([
    readEngine(context, name, profile, machine, { assumeBuild: true }),
    readMemory(context, name, profile, machine),
  ])
  const differences = (await readDifferences(context, profile, memory)) ?? []
  return {
    profile: name,
    because,
    problems: [...judgeProfile(profile, machine.totalMemoryBytes, context.settings.current().metricsPort)],
    ...describeMemory(memory, differences),
    router: planRouter(profile),
    gateway: planGateway(profile, context.folder),
    engine: describeEngine(engine),
  }
}

export const describeMemory = (
  memory: MemoryPlanReading,
  differences: readonly PlanDifference[],
): Pick<PlanAnswer, 'memory' | 'memoryUnknown'> => {
  if (memory.kind === 'unknown') return { memory: null, memoryUnknown: memory.reason }
  const { plan } = memory
  if (plan.verdict === 'unknown') {
    return { memory: null, memoryUnknown: plan.uncounted ?? 'part of it cannot be counted' }
  }
  return {
    memory: {
      verdict: plan.verdict,
      reasons: [...plan.reasons],
      lines: listLines(plan, differences),
      totalBytes: plan.totalBytes,
      machineBytes: plan.machineBytes,
      gpuNeededBytes: plan.gpu.neededBytes,
      gpuLimitBytes: plan.gpu.limitBytes,
      suggestions: plan.suggestions.map(({ text }) => text),
      warnings: [...plan.warnings],
      agents: plan.agents.note,
    },
    memoryUnknown: null,
  }
}

type AnswerLine = NonNullable<PlanAnswer['memory']>['lines'][number]

/** llama-server's unplanned allocations come last. */
const listLines = (plan: MemoryPlan, differences: readonly PlanDifference[]): AnswerLine[] => {
  const planned = plan.lines.map(
    ({ id, label, bytes, estimated, note }): AnswerLine => ({
      label,
      bytes,
      estimated,
      note,
      allocatedBytes: differences.find((difference) => difference.id === id)?.actualBytes ?? null,
    }),
  )
  const unplanned = differences
    .filter(({ id }) => !plan.lines.some((line) => line.id === id))
    .map(
      ({ label, actualBytes }): AnswerLine => ({
        label,
        bytes: null,
        estimated: false,
        note: null,
        allocatedBytes: actualBytes,
      }),
    )
  return [...planned, ...unplanned]
}

const describeEngine = ({
  assumedBuild,
  version,
  argv,
  adaptations,
  warnings,
  problems,
}: EnginePlan): PlanAnswer['engine'] => ({
  version: assumedBuild === null ? version : `not installed, planned for ${assumedBuild}`,
  argv,
  adaptations,
  warnings,
  problems,
})

// `nexus plan`: will it fit, and the exact command lines with every adaptation explained.
import { ensureKeys } from '../../core/keys.ts'
import { locateLlamaServer } from '../../core/setup/llama-server-search.ts'
import {
  type EnginePlan,
  type MemoryPlanReading,
  readEnginePlan,
  readMemoryPlan,
} from '../../core/stack-plan.ts'
import { ensureStateFolder } from '../../core/state-folder.ts'
import type { CliCommand } from '../arguments.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readChosenProfile } from '../profile-choice.ts'
import { renderEnginePlan } from '../view/engine-plan-view.ts'
import { renderPlanText } from '../view/plan-view.ts'

/** 1 when it does not fit, or cannot be started as it is; 0 otherwise, also when something is not known. */
export const runPlan = async (
  command: Extract<CliCommand, { name: 'plan' }>,
  context: CliContext,
): Promise<number> => {
  const { name, profile, because } = await readChosenProfile(context, command.profile)
  const { engine, memory } = await readPlans(context, name, profile)
  const fits = !(memory.kind === 'planned' && memory.plan.verdict === 'does-not-fit')
  const code = fits && engine.argv !== null ? exitCodes.done : exitCodes.failed
  if (command.json) {
    context.print(JSON.stringify({ profile: name, because, engine, memory }, null, 2))
    return code
  }
  context.print(`Profile ${name}: ${because}.\n`)
  for (const line of renderMemoryReading(memory, context)) context.print(line)
  context.print('')
  for (const line of renderEnginePlan(engine, context)) context.print(line)
  return code
}

export const renderMemoryReading = (memory: MemoryPlanReading, context: CliContext): readonly string[] =>
  memory.kind === 'planned'
    ? renderPlanText(memory.plan, context)
    : [`Memory: not known, since ${memory.reason}`]

export const readPlans = async (
  context: CliContext,
  profileName: string,
  profile: Parameters<typeof readEnginePlan>[0]['profile'],
): Promise<{ engine: EnginePlan; memory: MemoryPlanReading }> => {
  const { folder, platform, resourcesDir } = context
  ensureStateFolder(folder)
  const planContext = {
    profileName,
    profile,
    platform: platform.id,
    totalMemoryBytes: await platform.readTotalMemoryBytes(),
    gpuLimitBytes: (await platform.createMemoryReader()()).gpuLimitBytes,
    apiKeyPath: ensureKeys(folder.keysDir, profile.proxy.clientKey).engineKeyPath,
    locateBinary: () =>
      locateLlamaServer({
        configuredPath: profile.llamaServer.binaryPath,
        resourcesDir,
        runtimeDir: folder.runtimeDir,
      }),
  }
  const [engine, memory] = await Promise.all([readEnginePlan(planContext), readMemoryPlan(planContext)])
  return { engine, memory }
}

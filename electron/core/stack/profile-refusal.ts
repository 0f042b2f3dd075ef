// Why a profile cannot be started on this machine, before anything is started.
import type { Outcome } from '../../contract/command.ts'
import type { Profile } from '../../contract/profile.ts'
import { serviceNames } from '../../contract/service-ids.ts'
import { localUrl } from '../base/local-url.ts'
import { ConfigError, judgeProfile } from '../config/config.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { ReadGpuLimit } from '../memory/gpu-limit.ts'
import type { MemoryMapSource } from '../memory/memory-map-source.ts'
import type { Platform } from '../platform/platform.ts'

export interface RefusalContext {
  readonly platform: Platform
  readonly memoryMap: MemoryMapSource
  readonly readGpuLimit: ReadGpuLimit
  readonly settings: Pick<Settings, 'current'>
}

export type Refusal = Extract<Outcome, { accepted: false }>

export const refuse = (reason: string): Refusal => ({ accepted: false, reason })

/** null: it can start. @param force start even if it does not fit */
export const refuseProfile = async (
  { name, profile }: Pick<ChosenProfile, 'name' | 'profile'>,
  { force }: { readonly force: boolean },
  { platform, memoryMap, readGpuLimit, settings }: RefusalContext,
): Promise<Refusal | null> => {
  const totalMemoryBytes = await platform.readTotalMemoryBytes()
  const problems = judgeProfile(profile, totalMemoryBytes, settings.current().metricsPort)
  if (problems.length > 0) return refuse(new ConfigError(`profile ${name}`, problems).message)
  if (force) return null
  // Failing to plan (a missing file) is no reason to refuse: the service itself then says what is missing.
  const gpuLimitBytes = await readGpuLimit(profile)
  const question = { profileName: name, profile, totalMemoryBytes, gpuLimitBytes }
  const memory = await memoryMap.readPlan(question)
  if (memory.kind !== 'planned' || memory.plan.verdict !== 'does-not-fit') return null
  const reasons = memory.plan.reasons.join('; ')
  return {
    ...refuse(
      `profile ${name} does not fit: ${reasons}. Nothing was started; nexus up --force starts it anyway.`,
    ),
    misfit: memory.plan,
  }
}

/**
 * A running service is taken over by its process but probed at the profile's address: if that has changed, the probe would
 * never get an answer. null: it can be taken over.
 * @param routerLives check the Router's address too; its launch also holds the AI Engine's address
 */
export const refuseMoved = (running: Profile, next: Profile, routerLives: boolean): string | null => {
  for (const id of routerLives ? (['llamaServer', 'proxy'] as const) : (['llamaServer'] as const)) {
    const address = localUrl(running[id].host, running[id].port)
    const nextAddress = localUrl(next[id].host, next[id].port)
    if (address !== nextAddress)
      return `the ${serviceNames[id]} runs at ${address}, but the settings now say ${nextAddress}: nexus restart applies them. Nothing was started.`
  }
  return null
}

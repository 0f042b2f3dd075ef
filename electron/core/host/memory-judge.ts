// The memory plan and the GPU's limit for this core: for the map in snapshots, and to judge a profile before it starts.
import type { Profile } from '../../contract/profile.ts'
import { createGpuLimitReading } from '../memory/gpu-limit.ts'
import { createMemoryMapSource } from '../memory/memory-map-source.ts'
import { readMemoryPlan } from '../memory/stack-plan.ts'
import type { Platform } from '../platform/platform.ts'

export const createMemoryJudge = (options: {
  readonly platform: Platform
  readonly resourcesDir: string
  readonly runtimeDir: string
  readonly inUse: () => { readonly profileName: string; readonly profile: Profile }
  /** For the map of each snapshot the poller's last reading is recent enough. */
  readonly lastGpuLimitBytes: () => number | null
  readonly onChange: () => void
}) => {
  const { platform, inUse } = options
  const readLastGpuLimit = createGpuLimitReading({
    ...options,
    readSetLimit: async () => options.lastGpuLimitBytes(),
  })
  return {
    readGpuLimit: createGpuLimitReading(options),
    memoryMap: createMemoryMapSource({
      makePlan: (question) => readMemoryPlan({ ...question, platform: platform.id }),
      ask: async () => {
        const { profileName, profile } = inUse()
        return {
          profileName,
          profile,
          totalMemoryBytes: await platform.readTotalMemoryBytes(),
          gpuLimitBytes: await readLastGpuLimit(profile),
        }
      },
      onChange: options.onChange,
    }),
  }
}

// What the checks judge: the surroundings, and readings that several of them share; each is taken once, on first use.

import { join } from 'node:path'
import type { Config } from '../../contract/config.ts'
import { createAutostart } from '../autostart/create-autostart.ts'
import { messageOf } from '../base/error-message.ts'
import { within } from '../base/first-of.ts'
import { judgeProfile } from '../config/config.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { attachToCore } from '../control/client.ts'
import { ramDiskSpec } from '../forge/ram-disk-service.ts'
import { readHeaderOrReason } from '../gguf/gguf-header.ts'
import { readEnginePlan } from '../memory/stack-plan.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { readLiveServices } from '../stack/live-services.ts'
import { readMachine, readMemory } from '../stack/plan-reading.ts'

export type ConfigState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'valid' }
  | { readonly kind: 'broken'; readonly problems: readonly string[]; readonly hasLastGood: boolean }

export interface DoctorContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly run: RunCommand
  readonly config: Config
  readonly configState: ConfigState
  readonly chosen: ChosenProfile
  /** Why the configured profile could not be used. */
  readonly problems: readonly string[]
  /** The command that starts this profile: `nexus up`, with --profile unless it would choose this one anyway. */
  readonly upCommand: string
}

export type CoreReading = Awaited<ReturnType<typeof readCore>>

export type DoctorFacts = DoctorContext & ReturnType<typeof createDoctorFacts>

const betweenMemoryReadingsMs = 500
/** The core answers within 1.5 s even if a server behind it hangs. */
const coreAnswerMs = 2_000

export const createDoctorFacts = (context: DoctorContext) => {
  const { folder, platform, resourcesDir, chosen, homeDir, env, run } = context
  const { name: profileName, profile } = chosen
  const profileFile = profileName.includes('/') ? profileName : folder.configPath
  const readSystemMemory = platform.createMemoryReader()
  /** Our live services, with or without a core. */
  const running = once(() => readLiveServices(folder, platform.processes))
  const machine = once(() => readMachine(null, context, profile))
  /** Throws when the profile names a program that isn't one. */
  const llamaServer = () =>
    locateLlamaServer({
      configuredPath: profile.llamaServer.binaryPath,
      resourcesDir,
      runtimeDir: folder.runtimeDir,
    })
  return {
    ...context,
    /** The file that holds the profile's settings. */
    profileFile,
    /** A profile setting's path within that file, such as "profiles.studio.proxy.port". */
    place: (key: string) => (profileFile === folder.configPath ? `profiles.${profileName}.${key}` : key),
    spec: ramDiskSpec(profile, platform),
    /** Why `nexus up` would refuse the profile. */
    profileProblems: async () => [
      ...context.problems,
      ...judgeProfile(profile, await platform.readTotalMemoryBytes(), context.config.metricsPort),
    ],
    core: once(() => readCore(folder.socketPath)),
    running,
    llamaServer,
    enginePlan: once(async () =>
      readEnginePlan({
        profileName,
        profile,
        platform: platform.id,
        totalMemoryBytes: await platform.readTotalMemoryBytes(),
        gpuLimitBytes: null,
        assumeBuild: false,
        resourcesDir,
        // Only the path: the doctor creates no keys.
        apiKeyPath: join(folder.keysDir, 'engine.key'),
        parkedDir: folder.parkedDir,
        locateBinary: llamaServer,
      }),
    ),
    machine,
    memoryPlan: once(async () => readMemory(context, profileName, profile, await machine())),
    /** From two readings some time apart, so the rates are filled in. */
    memory: once(async () => {
      await readSystemMemory()
      await new Promise((resolve) => setTimeout(resolve, betweenMemoryReadingsMs))
      return readSystemMemory()
    }),
    ramDisk: once(() => platform.ramDisk.read(ramDiskSpec(profile, platform))),
    modelHeader: once(() => readHeaderOrReason(profile.llamaServer.modelPath)),
    lanAddresses: once(() => platform.readLanAddresses()),
    /** How the system starts the core at boot. */
    autostart: once(() =>
      createAutostart({
        platformId: platform.id,
        run,
        homeDir,
        stateDir: folder.root,
        serversLive: async () => (await running()).length > 0,
        env,
      }).read(),
    ),
  }
}

/** Reads once and shares the result. */
export const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let reading: Promise<T> | null = null
  return () => {
    reading ??= read()
    return reading
  }
}

const readCore = async (socketPath: string) => {
  try {
    const client = await attachToCore(socketPath)
    if (client === null) return { kind: 'none' } as const
    try {
      const snapshot = await within(client.readSnapshot(), coreAnswerMs)
      // `silent`: its socket is open, but it did not answer.
      return snapshot === null ? ({ kind: 'silent' } as const) : ({ kind: 'attached', snapshot } as const)
    } finally {
      client.close()
    }
  } catch (error) {
    return { kind: 'strange', reason: messageOf(error) } as const
  }
}

// What the checks judge: the surroundings, and readings that several of them share; each is taken once, on first use.

import { join } from 'node:path'
import type { Config } from '../../contract/config.ts'
import type { Memory, RamDisk, Snapshot } from '../../contract/snapshot.ts'
import type { AutostartState } from '../autostart/autostart.ts'
import { createAutostart } from '../autostart/create-autostart.ts'
import { messageOf } from '../base/error-message.ts'
import { within } from '../base/first-of.ts'
import { judgeProfile } from '../config/config.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { attachToCore } from '../control/client.ts'
import { ramDiskSpec } from '../forge/ram-disk-service.ts'
import { type HeaderReading, readHeaderOrReason } from '../gguf/gguf-header.ts'
import { type EnginePlan, type MemoryPlanReading, readEnginePlan } from '../memory/stack-plan.ts'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { type FoundLlamaServer, locateLlamaServer } from '../setup/llama-server-search.ts'
import { readLiveServices } from '../stack/live-services.ts'
import { type PlannedMachine, readMachine, readMemory } from '../stack/plan-reading.ts'
import type { LedgerEntry } from '../supervise/ledger.ts'

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

export type CoreReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'attached'; readonly snapshot: Snapshot }
  /** Its socket is open, but it did not answer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'strange'; readonly reason: string }

export interface DoctorFacts extends DoctorContext {
  /** The file that holds the profile's settings. */
  readonly profileFile: string
  /** A profile setting's path within that file, such as "profiles.studio.proxy.port". */
  place(key: string): string
  readonly spec: RamDiskSpec
  /** Why `nexus up` would refuse the profile. */
  readonly profileProblems: () => Promise<readonly string[]>
  readonly core: () => Promise<CoreReading>
  /** Our live services, with or without a core. */
  readonly running: () => Promise<readonly LedgerEntry[]>
  /** Throws when the profile names a program that isn't one. */
  readonly llamaServer: () => FoundLlamaServer | null
  readonly enginePlan: () => Promise<EnginePlan>
  readonly machine: () => Promise<PlannedMachine>
  readonly memoryPlan: () => Promise<MemoryPlanReading>
  /** From two readings some time apart, so the rates are filled in. */
  readonly memory: () => Promise<Memory>
  readonly ramDisk: () => Promise<RamDisk>
  readonly modelHeader: () => Promise<HeaderReading>
  readonly lanAddresses: () => Promise<readonly string[]>
  /** How the system starts the core at boot. */
  readonly autostart: () => Promise<AutostartState>
}

const betweenMemoryReadingsMs = 500
/** The core answers within 1.5 s even if a server behind it hangs. */
const coreAnswerMs = 2_000

export const createDoctorFacts = (context: DoctorContext): DoctorFacts => {
  const { folder, platform, resourcesDir, chosen, homeDir, env, run } = context
  const { name: profileName, profile } = chosen
  const profileFile = profileName.includes('/') ? profileName : folder.configPath
  const readSystemMemory = platform.createMemoryReader()
  const running = once(() => readLiveServices(folder, platform.processes))
  const machine = once(() => readMachine(null, context, profile))
  const llamaServer = () =>
    locateLlamaServer({
      configuredPath: profile.llamaServer.binaryPath,
      resourcesDir,
      runtimeDir: folder.runtimeDir,
    })
  return {
    ...context,
    profileFile,
    place: (key) => (profileFile === folder.configPath ? `profiles.${profileName}.${key}` : key),
    spec: ramDiskSpec(profile, platform),
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
    memory: once(async () => {
      await readSystemMemory()
      await new Promise((resolve) => setTimeout(resolve, betweenMemoryReadingsMs))
      return readSystemMemory()
    }),
    ramDisk: once(() => platform.ramDisk.read(ramDiskSpec(profile, platform))),
    modelHeader: once(() => readHeaderOrReason(profile.llamaServer.modelPath)),
    lanAddresses: once(() => platform.readLanAddresses()),
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

const readCore = async (socketPath: string): Promise<CoreReading> => {
  try {
    const client = await attachToCore(socketPath)
    if (client === null) return { kind: 'none' }
    try {
      const snapshot = await within(client.readSnapshot(), coreAnswerMs)
      return snapshot === null ? { kind: 'silent' } : { kind: 'attached', snapshot }
    } finally {
      client.close()
    }
  } catch (error) {
    return { kind: 'strange', reason: messageOf(error) }
  }
}

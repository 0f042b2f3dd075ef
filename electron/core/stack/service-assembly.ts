// Builds the services of one profile and everything that watches them.
import { join } from 'node:path'
import type { StackEvent } from '../../contract/notice.ts'
import type { Profile } from '../../contract/profile.ts'
import { type CommandedId, logIds } from '../../contract/service-ids.ts'
import { isServing } from '../../contract/services.ts'
import type { EngineModel, RamDisk } from '../../contract/snapshot.ts'
import { ensureKeys } from '../access/keys.ts'
import { messageOf } from '../base/error-message.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { engineRecordName, recordEngine } from '../engine/engine-record.ts'
import { createCapabilityProbe } from '../engine/llama-capabilities.ts'
import { readEngineModel } from '../engine/llama-running-model.ts'
import { createLlamaService } from '../engine/llama-service.ts'
import { createLlamaWatch } from '../engine/llama-watch.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import { findSpeculationFailure, type SpeculationEvidence } from '../engine/speculation.ts'
import { preparingForCargo } from '../forge/forge-layout.ts'
import { createForgeSurvey } from '../forge/forge-survey.ts'
import { createUserNames, readForgeUse } from '../forge/forge-use.ts'
import { createRamDiskService, ramDiskSpec } from '../forge/ram-disk-service.ts'
import type { LogError } from '../logs/core-log.ts'
import { readLogSince } from '../logs/log-follow.ts'
import { createLogRotation } from '../logs/log-rotation.ts'
import { connectLogTail } from '../logs/log-tail-events.ts'
import { readAllocations, writeAllocations } from '../memory/allocation-record.ts'
import { type Allocations, parseAllocations } from '../memory/allocations.ts'
import { createCacheEvents } from '../observe/cache-events.ts'
import type { PollerSources } from '../observe/poller.ts'
import type { Platform } from '../platform/platform.ts'
import { createCommandRunner, type RunCommand } from '../platform/run-command.ts'
import { warmLiteLlm } from '../router/litellm-health.ts'
import { createLiteLlmService } from '../router/litellm-service.ts'
import { createStudioNodes, type StudioNodes } from '../router/nodes/studio-nodes.ts'
import { createRouterFeed, type RouterFeed } from '../router/router-feed.ts'
import { readInstalledLiteLlm } from '../setup/litellm.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { endForeignServer } from '../supervise/foreign-server.ts'
import { type Ledger, type LedgerEntry, nameProcess } from '../supervise/ledger.ts'
import { superviseChild } from '../supervise/supervised-child.ts'
import type { Supervisor } from '../supervise/supervisor.ts'
import { assembleGateway } from './gateway-assembly.ts'
import { checkChain, proveEndToEnd } from './proof.ts'
import { createProver, type Prover } from './prover.ts'
import { createStack, type Stack } from './stack.ts'

export interface AssemblyOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly profileName: string
  readonly profile: Profile
  readonly onChange: () => void
  /** Reports an event that no snapshot shows. */
  readonly note: (event: StackEvent) => void
  /** Shared by all assemblies of a core: two ledgers would overwrite each other's entries. */
  readonly ledger: Ledger
  /** Runs system commands; default: this machine's. */
  readonly run?: RunCommand
  readonly logError: LogError
}

export interface ServiceAssembly {
  readonly profileName: string
  readonly profile: Profile
  readonly stack: Stack
  readonly prover: Prover
  readonly routerFeed: Pick<RouterFeed, 'requests' | 'developers' | 'heldSlots'>
  readonly engineSource: PollerSources['engine']
  readonly proxySource: PollerSources['proxy']
  readonly gatewaySource: PollerSources['gateway']
  readonly readRamDisk: () => Promise<RamDisk>
  /** The other Studios of the profile. */
  readonly nodes: StudioNodes
  /** The model that the running llama-server was started with; null when none runs. */
  readonly engineModel: () => EngineModel | null
  /** What the serving llama-server logged as allocated; null when none serves, or it did not log it. */
  readonly engineAllocations: () => Allocations | null
  /** Evidence whether the serving llama-server drafts as configured; null when none serves. */
  readonly speculation: () => Omit<SpeculationEvidence, 'slots'> | null
  readonly recheckProof: () => Promise<void>
  /** Ends foreign servers on the ports of the named services. Returns why one is still there, or null. */
  readonly endForeign: (ids: readonly CommandedId[]) => Promise<string | null>
  /** Settles when no slot is processing. */
  readonly untilIdle: () => Promise<void>
  /** Settles when conversations held only in the AI Engine's memory are saved to files. */
  readonly park: () => Promise<void>
  /** Settles when no mount or eject is under way; everything else is released at once. */
  close(): Promise<void>
}

/** 16 MiB is about a day of a busy llama-server; each service keeps four such files. */
const logLimits = { maxBytes: 16_777_216, keep: 3 }
const idleLookMs = 200
/** Four conversations of 20,000 tokens on a 70B model are 7 GB: 4 to 8 s on an SSD. */
const parkWaitMs = 20_000
/** llama-server stays until the next ping of an open stream, up to 30 s (measured). */
const foreignGraceMs = 40_000
/** A start logs 200 to 900 lines at this level; we don't search days of an adopted server's log for it. */
const startLogLines = 5_000
const warmTimeoutMs = 30_000

export const assembleServices = (options: AssemblyOptions): ServiceAssembly => {
  const { folder, platform, profile, logError, ledger } = options
  const keys = ensureKeys(folder.keysDir, profile.proxy.clientKey)
  /** A user's own LiteLLM configuration doesn't know our key list; it accepts only the one client key. */
  const ownKey = profile.proxy.configPath === null ? keys.proofKey : (keys.clientKey ?? keys.proofKey)
  const llamaService = createLlamaService({
    profile: profile.llamaServer,
    apiKeyPath: keys.engineKeyPath,
    platform: platform.id,
    cwd: folder.root,
    resourcesDir: options.resourcesDir,
    slotCache: slotCacheOf(profile, folder.parkedDir),
    locateBinary: () => locateBinary(options),
    readCapabilities: createCapabilityProbe(platform.id),
  })
  const liteLlmService = createLiteLlmService({
    ...options,
    proxyDir: folder.proxyDir,
    parkedDir: folder.parkedDir,
    feedPath: folder.feedSocketPath,
    keys,
    readInstalled: () => readInstalledLiteLlm(folder.runtimeDir),
  })
  const watch = createLlamaWatch(llamaService.endpoint, keys.engineKey)
  let enginePid: number | null = null
  const llamaServer: Supervisor = superviseChild(
    {
      ...options,
      onChange: () => {
        const { pid } = llamaServer.state()
        if (pid !== enginePid) {
          watch.reset()
          tellRouterOfEngine(pid)
        }
        enginePid = pid
        void readStart().catch(logError)
        options.onChange()
      },
    },
    llamaService,
    ledger,
  )
  /** Called before it serves: its slots are empty, and the Router checks whether parked conversations fit it. */
  const tellRouterOfEngine = (pid: number | null) => {
    const entry = ledger.find('llamaServer')
    if (pid === null || entry === null || entry.pid !== pid) return
    try {
      recordEngine(join(folder.proxyDir, engineRecordName), entry)
    } catch (error) {
      logError(new Error(`conversations are not parked: ${messageOf(error)}`))
    }
  }
  let recorded: string | null = null
  let allocated: { readonly identity: string; readonly allocations: Allocations } | null = null
  let undrafted: { readonly identity: string; readonly said: string } | null = null
  /** Once per llama-server, as soon as it serves: then its log holds only its start. */
  const readStart = async (): Promise<void> => {
    const entry = ledger.find('llamaServer')
    const identity = servingIdentity(llamaServer, entry)
    if (entry === null || identity === null || identity === recorded) return
    recorded = identity
    const known = readAllocations(folder.allocationsPath, identity)
    const start = await readLogSince(folder.logPath('llamaServer'), entry.logMark, startLogLines)
    const said = findSpeculationFailure(start)
    undrafted = said === null ? null : { identity, said }
    const allocations = known ?? parseAllocations(start)
    if (allocations !== null) {
      allocated = { identity, allocations }
      if (known === null) writeAllocations(folder.allocationsPath, identity, allocations)
    }
    if (said !== null || allocations !== null) options.onChange()
  }
  const routerFeed = createRouterFeed({
    socketPath: folder.feedSocketPath,
    onChange: options.onChange,
    onCacheEvent: createCacheEvents(options.note),
  })
  let warmed: string | null = null
  const proxy: Supervisor = superviseChild(
    {
      ...options,
      onChange: () => {
        if (isServing(proxy.state())) routerFeed.connect()
        warmThenTell()
      },
    },
    liteLlmService,
    ledger,
  )
  /** If the Router is ready while the model loads, pays the cost of its first message (about 1 s) now. */
  const warmThenTell = () => {
    const identity = servingIdentity(proxy, ledger.find('proxy'))
    // An adopted one is warm already.
    const isNew = identity !== null && identity !== warmed && !proxy.state().adopted
    if (isNew && llamaServer.state().phase === 'starting') {
      warmed = identity
      void warmLiteLlm(liteLlmService.endpoint, ownKey, AbortSignal.timeout(warmTimeoutMs))
    }
    options.onChange()
  }
  const ramDisk = createRamDiskService(
    preparingForCargo(platform.ramDisk, logError),
    ramDiskSpec(profile, platform),
    options.onChange,
    (text) =>
      options.note({ at: Date.now(), severity: 'warning', service: 'ramDisk', text: `Build Forge: ${text}` }),
  )
  const forgeSurvey = createForgeSurvey({
    readDisk: ramDisk.read,
    readUse: async (mountPoint) =>
      readForgeUse(mountPoint, {
        run: options.run ?? createCommandRunner(),
        nameUser,
        ignoresOwners: (await platform.ramDisk.ignoresOwners(ramDiskSpec(profile, platform))) === true,
      }),
    readHeldBytes: async () => {
      const backing = await platform.ramDisk.readBacking(ramDiskSpec(profile, platform))
      return backing?.kind === 'program' ? backing.residentBytes : null
    },
    onError: logError,
  })
  const gateway = assembleGateway(options, ledger, () => proxy.state().phase === 'ready')
  const stack = createStack({ ramDisk, llamaServer, proxy, gateway: gateway.part })

  const prover = createProver({
    recordPath: join(folder.root, 'proof.json'),
    servingPair: () => {
      const engine = servingIdentity(llamaServer, ledger.find('llamaServer'))
      const router = servingIdentity(proxy, ledger.find('proxy'))
      return engine === null || router === null ? null : { llamaServer: engine, proxy: router }
    },
    prove: async (signal) => {
      const { modelName } = profile.proxy
      const answer = await proveEndToEnd({
        baseUrl: liteLlmService.endpoint,
        apiKey: ownKey,
        model: modelName,
        signal,
        timeoutMs: proofTimeoutMs,
      })
      return {
        provedAt: Date.now(),
        milliseconds: Math.round(answer.milliseconds),
        outputTokens: answer.outputTokens,
        model: modelName,
      }
    },
    check: (signal) =>
      checkChain({
        proxyBaseUrl: liteLlmService.endpoint,
        clientKey: ownKey,
        engineBaseUrl: llamaService.endpoint,
        engineKey: keys.engineKey,
        signal,
      }),
    onChange: options.onChange,
    logError,
  })

  const undo = [
    connectLogTail(
      folder.logPath('llamaServer'),
      (lines) => {
        for (const line of lines) watch.hear(line)
      },
      logError,
    ),
    ...logIds
      .filter((id) => id !== 'gateway' || stack.states().gateway !== undefined)
      .map((id) =>
        createLogRotation({ path: folder.logPath(id), ...logLimits, onError: logError }).connect(),
      ),
  ]

  return {
    profileName: options.profileName,
    profile,
    stack,
    prover,
    routerFeed,
    engineSource: () =>
      isServing(llamaServer.state())
        ? {
            pid: llamaServer.state().pid,
            probe: llamaService.probe,
            read: watch.read,
            current: watch.current,
            report: llamaServer.reportHealth,
          }
        : null,
    proxySource: () =>
      isServing(proxy.state()) ? { probe: liteLlmService.probe, report: proxy.reportHealth } : null,
    gatewaySource: gateway.source,
    readRamDisk: forgeSurvey.read,
    nodes: createStudioNodes(profile.nodes ?? [], options.onChange),
    engineModel: () => {
      const entry = ledger.find('llamaServer')
      return entry === null || entry.pid !== llamaServer.state().pid ? null : readEngineModel(entry.argv)
    },
    engineAllocations: () =>
      allocated !== null && allocated.identity === servingIdentity(llamaServer, ledger.find('llamaServer'))
        ? allocated.allocations
        : null,
    speculation: () => {
      const entry = ledger.find('llamaServer')
      const identity = servingIdentity(llamaServer, entry)
      if (entry === null || identity === null) return null
      const said = undrafted?.identity === identity ? undrafted.said : null
      return { wanted: profile.llamaServer.speculation, argv: entry.argv, said }
    },
    recheckProof: async () => {
      const broken = await prover.recheck()
      if (broken?.kind === 'unanswered') proxy.reportHealth({ state: 'unreachable', detail: broken.reason })
    },
    endForeign: async (ids) => {
      for (const { id, supervisor, port } of [
        { id: 'llamaServer', supervisor: llamaServer, port: llamaService.port },
        { id: 'proxy', supervisor: proxy, port: liteLlmService.port },
      ] as const) {
        const { phase } = supervisor.state()
        if (!ids.includes(id) || (phase !== 'stopped' && phase !== 'failed')) continue
        const left = await endForeignServer({
          id,
          port,
          processes: platform.processes,
          waitMs: foreignGraceMs,
        })
        if (left !== null) return left
      }
      return null
    },
    park: () => routerFeed.park(parkWaitMs),
    untilIdle: async () => {
      while ((await watch.readBusy(AbortSignal.timeout(proofTimeoutMs))) === true) {
        await new Promise((resolve) => setTimeout(resolve, idleLookMs))
      }
    },
    close: () => {
      for (const end of undo) end()
      prover.close()
      routerFeed.close()
      return stack.close()
    },
  }
}

/** A cold 70B model may need a minute for its first token, and four busy slots may delay the message longer. */
const proofTimeoutMs = 600_000

const nameUser = createUserNames(createCommandRunner())

const locateBinary = ({ profile, resourcesDir, folder }: AssemblyOptions): string => {
  const found = locateLlamaServer({
    configuredPath: profile.llamaServer.binaryPath,
    resourcesDir,
    runtimeDir: folder.runtimeDir,
  })
  if (found === null) throw new Error('llama-server is not installed yet: nexus up installs it, or says how')
  return found.path
}

const servingIdentity = (supervisor: Supervisor, entry: LedgerEntry | null): string | null =>
  isServing(supervisor.state()) && entry !== null ? nameProcess(entry) : null

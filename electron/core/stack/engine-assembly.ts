// The AI Engine of one profile: llama-server supervised, watched through its log and answers, and announced to the Router.
import { join } from 'node:path'
import { isServing } from '../../contract/services.ts'
import type { EngineModel } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { engineRecordName, readEngineModel, recordEngine } from '../engine/engine-record.ts'
import { createCapabilityProbe } from '../engine/llama-capabilities.ts'
import { createLlamaService } from '../engine/llama-service.ts'
import { createLlamaWatch } from '../engine/llama-watch.ts'
import { slotCacheOf } from '../engine/slot-cache.ts'
import { findSpeculationFailure, type SpeculationEvidence } from '../engine/speculation.ts'
import { readLogSince } from '../logs/log-follow.ts'
import { connectLogTail } from '../logs/log-tail-events.ts'
import {
  type Allocations,
  parseAllocations,
  readAllocations,
  writeAllocations,
} from '../memory/allocations.ts'
import type { EngineSource } from '../observe/poller.ts'
import { locateLlamaServer } from '../setup/llama-server-search.ts'
import { type LedgerEntry, nameProcess } from '../supervise/ledger.ts'
import { type SupervisedChild, superviseChild } from '../supervise/supervised-child.ts'
import type { AssemblyOptions } from './assembly-options.ts'

const idleLookMs = 200
/** /slots may take as long as one prefill batch. */
const busyTimeoutMs = 600_000

export const assembleEngine = (
  options: AssemblyOptions,
  { key, keyPath }: { readonly key: string; readonly keyPath: string },
) => {
  const { folder, platform, profile, ledger, logError } = options
  const service = createLlamaService({
    profile: profile.llamaServer,
    apiKeyPath: keyPath,
    platform: platform.id,
    cwd: folder.root,
    resourcesDir: options.resourcesDir,
    slotCache: slotCacheOf(profile, folder.parkedDir),
    locateBinary: () => locateBinary(options),
    readCapabilities: createCapabilityProbe(platform.id),
  })
  const watch = createLlamaWatch(service.endpoint, key)
  const startLog = createEngineStartLog(folder, options.onChange)

  /** Called before it serves: its slots are empty, and the Router checks whether parked conversations fit it. */
  const tellRouter = () => {
    const entry = running()
    if (entry === null) return
    try {
      recordEngine(join(folder.proxyDir, engineRecordName), entry)
    } catch (error) {
      logError(new Error(`conversations are not parked: ${messageOf(error)}`))
    }
  }

  let pid: number | null = null
  const onChange = () => {
    const state = supervisor.state()
    if (state.pid !== pid) {
      watch.reset()
      tellRouter()
    }
    pid = state.pid
    const serving = supervisor.serving()
    if (serving !== null) void startLog.read(serving).catch(logError)
    options.onChange()
  }
  const supervisor: SupervisedChild = superviseChild({ ...options, onChange }, service)

  const running = () => {
    const entry = ledger.find('llamaServer')
    return entry !== null && entry.pid === supervisor.state().pid ? entry : null
  }

  const hear = (lines: readonly string[]) => {
    for (const line of lines) watch.hear(line)
  }
  const stopTail = connectLogTail(folder.logPath('llamaServer'), hear, logError)

  return {
    service,
    supervisor,
    /** What to read of the process that serves now; null when none does. */
    source: (): EngineSource | null =>
      isServing(supervisor.state())
        ? { pid: supervisor.state().pid, read: watch.read, current: watch.current }
        : null,
    /** The model that the running llama-server was started with; null when none runs. */
    model: (): EngineModel | null => {
      const entry = running()
      return entry === null ? null : readEngineModel(entry.argv)
    },
    /** What the serving llama-server logged as allocated; null when none serves, or it did not log it. */
    allocations: (): Allocations | null => {
      const entry = supervisor.serving()
      return entry === null ? null : (startLog.factsOf(entry)?.allocations ?? null)
    },
    /** Evidence whether the serving llama-server drafts as configured; null when none serves. */
    speculation: (): Omit<SpeculationEvidence, 'slots'> | null => {
      const entry = supervisor.serving()
      if (entry === null) return null
      const said = startLog.factsOf(entry)?.speculationFailure ?? null
      return { wanted: profile.llamaServer.speculation, argv: entry.argv, said }
    },
    /** Settles when no slot is processing. */
    untilIdle: async (): Promise<void> => {
      while ((await watch.readBusy(AbortSignal.timeout(busyTimeoutMs))) === true) {
        await new Promise((resolve) => setTimeout(resolve, idleLookMs))
      }
    },
    close: stopTail,
  }
}

const locateBinary = ({ profile, resourcesDir, folder }: AssemblyOptions): string => {
  const found = locateLlamaServer({
    configuredPath: profile.llamaServer.binaryPath,
    resourcesDir,
    runtimeDir: folder.runtimeDir,
  })
  if (found === null) throw new Error('llama-server is not installed yet: nexus up installs it, or says how')
  return found.path
}

/** A start logs 200 to 900 lines at this level; we don't search days of an adopted server's log for it. */
const startLogLines = 5_000

/** What a llama-server logged about its start: what it allocated, and whether its drafts failed. */
const createEngineStartLog = (
  folder: Pick<StateFolder, 'logPath' | 'allocationsPath'>,
  onFound: () => void,
) => {
  /** The llama-server read last, and what was found. */
  let engine: string | null = null
  let facts: { readonly allocations: Allocations | null; readonly speculationFailure: string | null } | null =
    null
  return {
    /** Call as soon as it serves: then its log holds only its start. Reads once per llama-server. */
    read: async (entry: LedgerEntry): Promise<void> => {
      const name = nameProcess(entry)
      if (name === engine) return
      engine = name
      facts = null
      const known = readAllocations(folder.allocationsPath, name)
      const lines = await readLogSince(folder.logPath('llamaServer'), entry.logMark, startLogLines)
      if (name !== engine) return
      const allocations = known ?? parseAllocations(lines)
      facts = { allocations, speculationFailure: findSpeculationFailure(lines) }
      if (known === null && allocations !== null) writeAllocations(folder.allocationsPath, name, allocations)
      if (allocations !== null || facts.speculationFailure !== null) onFound()
    },
    /** null until read; allocations that it did not log are null, and a failure of its drafts that it did not report. */
    factsOf: (entry: LedgerEntry) => (nameProcess(entry) === engine ? facts : null),
  }
}

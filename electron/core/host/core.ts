// The core: one stack, its readings, its proof, and the commands that change it. Every client attaches to this.

import type { Command, Outcome } from '../../contract/command.ts'
import type { StackEvent } from '../../contract/notice.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import type { MissingModel, Snapshot } from '../../contract/snapshot.ts'
import { createAsks } from '../answers/answer-query.ts'
import { messageOf } from '../base/error-message.ts'
import { chooseProfile } from '../config/profiles.ts'
import { openSettings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Ask, CoreLink } from '../control/core-link.ts'
import { describeGuestCommand } from '../control/guests/guest-link.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'
import { connectLogTail } from '../logs/log-tail-events.ts'
import { createGpuLimitReading } from '../memory/gpu-limit-reading.ts'
import { createMemoryMapSource } from '../memory/memory-map-source.ts'
import { readMemoryPlan } from '../memory/stack-plan.ts'
import { readCatalogue } from '../models/catalogue.ts'
import { readMissingModels } from '../models/missing-models.ts'
import { createModelFetches } from '../models/model-fetches.ts'
import { createPoller } from '../observe/poller.ts'
import { createPublished, type Facts } from '../observe/published.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { bringBack } from '../stack/bring-back.ts'
import { readIntent } from '../stack/intent.ts'
import { rebuildLedger } from '../stack/lost-services.ts'
import type { ServiceAssembly } from '../stack/service-assembly.ts'
import { openLedger } from '../supervise/ledger.ts'
import type { LoginSession } from '../supervise/login-session-schema.ts'
import { type CoreCommands, createCoreCommands } from './core-commands.ts'
import { createLifetime } from './lifetime.ts'
import { createSetUpRunner } from './set-up-runner.ts'
import { createStackInUse } from './stack-in-use.ts'

export interface CoreOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly background: boolean
  /** The `resources` folder of the repository or the app. */
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The login session of this core and its children; null or absent: unknown, or a session that cannot end. */
  readonly session?: LoginSession | null
  /** Runs system commands; default: this machine's. */
  readonly run?: RunCommand
  /** Default: standard error. */
  readonly logError?: LogError
}

export interface Core extends CoreLink {
  /** The current fold; reads nothing. */
  snapshot(): Snapshot
  /** As dispatch, for another user: leaves an event, and a background core stays, so that the guest can start it again. */
  dispatchForGuest(command: Command): Promise<Outcome>
  readonly askForGuest: Ask
  /** Settles when a command has stopped everything, or when the last app that kept an idle core is gone. */
  readonly stoppedByCommand: Promise<void>
  /** Closes the core; services keep running. Settles when no mount or eject is under way. */
  close(): Promise<void>
}

/** Creates the core and adopts what an earlier one left running. The caller holds the core lock. */
export const createCore = async (options: CoreOptions): Promise<Core> => {
  const { folder, platform, resourcesDir, logError = logToStderr } = options
  const since = Date.now()
  // Before any service is assembled from the ledger.
  await rebuildLedger(folder, platform.processes, logError)
  const settings = openSettings(folder, logError)
  const ledger = openLedger(folder.ledgerPath, logError, options.session ?? null)
  const onChange = () => published.arrived('change')
  const note = (severity: StackEvent['severity'], text: string) =>
    published.note({ at: Date.now(), severity, service: null, text })

  const inUse = createStackInUse({
    ...options,
    logError,
    settings,
    ledger,
    onChange: () => {
      inUse.current().prover.consider()
      onChange()
    },
    note: (event) => published.note(event),
    onTaken: (profile) => {
      void setUp.look(profile)
      lookAtModels()
    },
  })

  const poller = createPoller(
    {
      engine: () => inUse.current().engineSource(),
      proxy: () => inUse.current().proxySource(),
      gateway: () => inUse.current().gatewaySource(),
      memory: platform.createMemoryReader(),
      ramDisk: () => inUse.current().readRamDisk(),
      nodes: () => inUse.current().nodes.read(),
      recheckProof: () => inUse.current().recheckProof(),
    },
    () => {
      if (published.hasWatchers()) memoryMap.want()
      published.arrived('reading')
    },
  )

  const gpuSurroundings = { platform, resourcesDir, runtimeDir: folder.runtimeDir }
  const readGpuLimit = createGpuLimitReading(gpuSurroundings)
  /** For the memory map of each snapshot: the last reading is recent enough. */
  const readLastGpuLimit = createGpuLimitReading({
    ...gpuSurroundings,
    readSetLimit: async () => poller.latest().memory?.value.gpuLimitBytes ?? null,
  })
  const memoryMap = createMemoryMapSource({
    makePlan: (question) => readMemoryPlan({ ...question, platform: platform.id }),
    ask: async () => {
      const { profileName, profile } = inUse.current()
      return {
        profileName,
        profile,
        totalMemoryBytes: await platform.readTotalMemoryBytes(),
        gpuLimitBytes: await readLastGpuLimit(profile),
      }
    },
    onChange,
  })
  const setUp = createSetUpRunner(
    {
      readMissing: async (profile) =>
        (await import('../setup/set-up.ts')).readMissing(profile, {
          runtimeDir: folder.runtimeDir,
          resourcesDir,
        }),
      install: async (profile, report, signal) =>
        (await import('../setup/set-up.ts')).ensureSetUp(profile, {
          runtimeDir: folder.runtimeDir,
          resourcesDir,
          report,
          signal,
        }),
    },
    onChange,
  )

  const fetches = createModelFetches({
    folder,
    env: options.env,
    readCatalogue: () => readCatalogue(resourcesDir),
    findElsewhere: async (file) =>
      (await import('../models/other-programs.ts')).findCopies(file, {
        env: options.env,
        platform: platform.id,
      }),
    ramDiskMount: () => poller.latest().ramDisk?.value.mountPoint ?? null,
    onChange,
    onEnded: ({ id, phase, reason }) => {
      if (phase === 'done') note('info', `The model ${id} was fetched`)
      if (phase === 'failed') note('critical', `Could not fetch the model ${id}: ${reason}`)
      lookAtModels()
      onChange()
      lifetime.endWhenIdle()
    },
    logError,
  })
  let missingModels: readonly MissingModel[] = []
  /** For the profile that would run; by default `studio`, which the demo replaces while its model is missing. */
  const lookAtModels = () => {
    try {
      const config = settings.current()
      const wanted = chooseProfile(config, config.profile ?? 'studio', folder.runtimeDir)
      missingModels = readMissingModels(wanted, folder.modelsDir, () => readCatalogue(resourcesDir))
    } catch (error) {
      logError(new Error(`could not check which models are missing: ${messageOf(error)}`))
    }
  }

  const lifetime = createLifetime({
    background: options.background,
    isFetching: fetches.isActive,
    isIdle: () => !bringingBack && commands.isIdle(),
    onChange,
  })
  let bringingBack = false
  const commands = createCoreCommands({
    folder,
    platform,
    settings,
    memoryMap,
    setUp,
    fetches: {
      ...fetches,
      start: (command) => {
        const outcome = fetches.start(command)
        // This core may have been started only for that fetch.
        if (!outcome.accepted) lifetime.endWhenIdle()
        return outcome
      },
    },
    assembly: inUse.current,
    takeProfile: inUse.take,
    readGpuLimit,
    note,
    logError,
    onChange,
    onAllStopped: lifetime.allStopped,
    isEnding: lifetime.isEnding,
    isBringingBack: () => bringingBack,
  })

  const refresh = async () => {
    memoryMap.want()
    await poller.refresh()
  }
  const published = createPublished({
    facts: (now, maxAgeMs) => ({
      owner: { pid: process.pid, background: lifetime.endsByItself(), since },
      ...readServices(inUse.current(), commands),
      nodes: inUse.current().nodes.current(now, maxAgeMs),
      memoryPlan: memoryMap.current(inUse.current().profile),
      setUp: setUp.state(),
      lastOrders: commands.lastOrders(),
      fetches: fetches.state(),
      missingModels: [...missingModels],
    }),
    poller,
    refresh,
    settings: () => settings.current().notifications,
  })

  const looked = setUp.look(inUse.current().profile)
  const adopted = await inUse.current().stack.adopt()
  const missing: readonly CommandedId[] = commands.wanted().filter((id) => !adopted.includes(id))
  if (missing.length > 0) {
    const given = inUse.current()
    bringingBack = true
    bringBack({
      missing,
      chosen: { name: given.profileName, profile: given.profile },
      forced: readIntent(folder.intentPath)?.forced === true,
      start: (ids) => commands.startWanted(ids, given),
      platform,
      memoryMap,
      readGpuLimit,
      settings,
      onRefused: (reason) => {
        logError(new Error(reason))
        note('critical', reason)
      },
    })
      .catch((error: unknown) =>
        logError(new Error(`could not start the earlier services again: ${messageOf(error)}`)),
      )
      .finally(() => {
        bringingBack = false
      })
  }
  lookAtModels()
  fetches.resume()
  // Otherwise the first snapshot would say that nothing is missing before the check is done.
  await looked
  onChange()

  const answering = { ...options, settings, running: inUse.running }
  return {
    snapshot: published.snapshot,
    stoppedByCommand: lifetime.stopped,
    readSnapshot: async () => {
      await refresh()
      return published.snapshot()
    },
    watch: published.watch,
    ...createAsks(answering),
    readSnippet: async (name) => (await import('../answers/clients-answer.ts')).readSnippet(answering, name),
    watchHistory: published.watchHistory,
    followLog: (log, listener) => connectLogTail(folder.logPath(log), listener, logError),
    keep: lifetime.keep,
    dispatch: commands.dispatch,
    dispatchForGuest: async (command) => {
      const outcome = await commands.dispatch(command, 'guest')
      if (outcome.accepted) note('info', describeGuestCommand(command))
      return outcome
    },
    close: async () => {
      lifetime.end()
      setUp.cancel()
      poller.close()
      await Promise.all([fetches.close(), inUse.current().close()])
    },
  }
}

/** The services' state as known now, without asking them. */
const readServices = (
  { stack, prover, routerFeed, ...assembly }: ServiceAssembly,
  commands: CoreCommands,
): Omit<Facts, 'owner' | 'nodes' | 'memoryPlan' | 'setUp' | 'lastOrders' | 'fetches' | 'missingModels'> => ({
  profile: assembly.profileName,
  services: commands.withRestart(stack.states()),
  proof: prover.proof(),
  proofFailure: prover.failure(),
  requests: routerFeed.requests(),
  developers: routerFeed.developers(),
  heldSlots: routerFeed.heldSlots(),
  engineModel: assembly.engineModel(),
  speculation: assembly.speculation(),
  allocations: assembly.engineAllocations(),
})

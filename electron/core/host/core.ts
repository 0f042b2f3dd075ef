// The core: one stack, its readings, its proof, and the commands that change it. Every client attaches to this.

import type { Command, Outcome } from '../../contract/command.ts'
import type { StackEvent } from '../../contract/notice.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { createAsks } from '../answers/answer-query.ts'
import { openSettings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Ask, CoreLink } from '../control/core-link.ts'
import { describeGuestCommand } from '../control/guests/guest-link.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'
import { connectLogTail } from '../logs/log-tail-events.ts'
import { createGpuLimitReading } from '../memory/gpu-limit.ts'
import { createMemoryMapSource } from '../memory/memory-map-source.ts'
import { readMemoryPlan } from '../memory/stack-plan.ts'
import { createPoller } from '../observe/poller.ts'
import { createPublished } from '../observe/published.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { rebuildLedger } from '../stack/live-services.ts'
import { type LoginSession, openLedger } from '../supervise/ledger.ts'
import { createCoreCommands } from './core-commands.ts'
import { createLifetime } from './lifetime.ts'
import { createModelDesk } from './model-desk.ts'
import { createSetUpRunner, setUpWork } from './set-up-runner.ts'
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
      models.look()
    },
  })

  const memory = platform.createMemoryReader()
  const poller = createPoller(
    () => ({ ...inUse.current().sources, memory }),
    () => {
      if (published.hasWatchers()) memoryMap.want()
      published.arrived('reading')
    },
  )

  const place = { resourcesDir, runtimeDir: folder.runtimeDir }
  const readGpuLimit = createGpuLimitReading({ ...place, platform })
  /** For the map of each snapshot the poller's last reading is recent enough. */
  const readLastGpuLimit = createGpuLimitReading({
    ...place,
    platform,
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
  const setUp = createSetUpRunner(setUpWork(place), onChange)
  const models = createModelDesk({
    ...options,
    settings,
    ramDiskMount: () => poller.latest().ramDisk?.value.mountPoint ?? null,
    note,
    onChange,
    onIdle: () => lifetime.endWhenIdle(),
    logError,
  })
  const { fetches } = models
  const lifetime = createLifetime({
    background: options.background,
    isFetching: fetches.isActive,
    isIdle: () => commands.isIdle(),
    onChange,
  })
  const commands = createCoreCommands({
    platform,
    settings,
    memoryMap,
    readGpuLimit,
    folder,
    resourcesDir,
    setUp,
    fetches,
    assembly: inUse.current,
    takeProfile: inUse.take,
    note,
    logError,
    onChange,
    onAllStopped: lifetime.allStopped,
    isEnding: lifetime.isEnding,
  })

  const refresh = async () => {
    memoryMap.want()
    await poller.refresh()
  }
  const published = createPublished({
    facts: (now, maxAgeMs) => {
      const { profileName, profile, stack, prover, routerFeed, engine, nodes } = inUse.current()
      return {
        owner: { pid: process.pid, background: lifetime.endsByItself(), since },
        profile: profileName,
        services: commands.withRestart(stack.states()),
        proof: prover.proof(),
        proofFailure: prover.failure(),
        requests: routerFeed.requests(),
        developers: routerFeed.developers(),
        heldSlots: routerFeed.heldSlots(),
        nodes: nodes.current(now, maxAgeMs),
        engineModel: engine.model(),
        speculation: engine.speculation(),
        allocations: engine.allocations(),
        memoryPlan: memoryMap.current(profile),
        setUp: setUp.state(),
        lastOrders: commands.lastOrders(),
        fetches: fetches.state(),
        missingModels: [...models.missing()],
      }
    },
    poller,
    refresh,
    settings: () => settings.current().notifications,
  })

  const looked = setUp.look(inUse.current().profile)
  const adopted = await inUse.current().stack.adopt()
  commands.bringBack(commands.wanted().filter((id) => !adopted.includes(id)))
  models.look()
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

// The core: one stack, its readings, its proof, and the commands that change it. Everyone who attaches sees this.

import { isDeepStrictEqual } from 'node:util'
import type { Command, Outcome } from '../../contract/command.ts'
import type { StackEvent } from '../../contract/notice.ts'
import type { Profile } from '../../contract/profile.ts'
import type { ServiceId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { ensureKeys } from '../access/keys.ts'
import { tellAgents } from '../agents-file/tell-agents.ts'
import { createAsks } from '../answers/answer-query.ts'
import { messageOf } from '../base/error-message.ts'
import { type ChosenProfile, chooseProfile } from '../config/profiles.ts'
import { openSettings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Ask, CoreLink } from '../control/core-link.ts'
import { describeGuestCommand } from '../control/guests/guest-link.ts'
import { type LogError, logToStderr } from '../logs/core-log.ts'
import { followLogPieces } from '../logs/log-pieces.ts'
import { createGpuLimitReading } from '../memory/gpu-limit-reading.ts'
import { createMemoryMapSource } from '../memory/memory-map-source.ts'
import { readMemoryPlan } from '../memory/stack-plan.ts'
import { createObservations, type PlainSnapshot } from '../observe/observations.ts'
import { createPoller } from '../observe/poller.ts'
import { foldSnapshot } from '../observe/snapshot.ts'
import { createSnapshotFeed } from '../observe/snapshot-feed.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { bringBack } from '../stack/bring-back.ts'
import { readIntent } from '../stack/intent.ts'
import { rebuildLedger } from '../stack/lost-services.ts'
import { assembleServices, type ServiceAssembly } from '../stack/service-assembly.ts'
import { openLedger } from '../supervise/ledger.ts'
import type { LoginSession } from '../supervise/login-session-schema.ts'
import { createCoreCommands } from './core-commands.ts'
import { createSetUpRunner } from './set-up-runner.ts'

export interface CoreOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly host: 'app' | 'cli'
  readonly background: boolean
  /** Where the repository's or the app's `resources` are. */
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The login session that this core and what it starts belong to; null or absent: not known, or none that could end. */
  readonly session?: LoginSession | null
  /** The system's commands, where they are not this machine's own. */
  readonly run?: RunCommand
  /** Standard error when absent. */
  readonly logError?: LogError
}

export interface Core extends CoreLink {
  /** The present fold, without reading anything anew. */
  snapshot(): Snapshot
  /** As dispatch, by another user: it leaves an event, and a background core stays to be told to start again. */
  dispatchForGuest(command: Command): Promise<Outcome>
  readonly askForGuest: Ask
  /** Settles when a command to stop everything has been carried out, or when the last app went that kept an idle core. */
  readonly stoppedByCommand: Promise<void>
  /** Lets go of everything; what runs goes on running. Settles when no mount or eject is under way any more. */
  close(): Promise<void>
}

/** Composes the core and adopts what an earlier one left running. The caller holds the core lock. */
export const createCore = async (options: CoreOptions): Promise<Core> => {
  const { folder, platform, resourcesDir, logError = logToStderr } = options
  const since = Date.now()
  // Before anything of it is assembled with what the ledger names.
  await rebuildLedger(folder, platform.processes, logError)
  const settings = openSettings(folder, logError)
  const ledger = openLedger(folder.ledgerPath, logError, options.session ?? null)
  const observations = createObservations(() => settings.current().notifications)
  let assembly: ServiceAssembly = initialAssembly()
  let keepers = 0
  let stopped = () => {}
  const stoppedByCommand = new Promise<void>((resolve) => {
    stopped = resolve
  })

  const endsByItself = () => options.background && keepers === 0

  const poller = createPoller(
    {
      engine: () => assembly.engineSource(),
      proxy: () => assembly.proxySource(),
      gateway: () => assembly.gatewaySource(),
      memory: platform.createMemoryReader(),
      ramDisk: () => assembly.readRamDisk(),
      nodes: () => assembly.nodes.read(),
      recheckProof: () => assembly.recheckProof(),
    },
    () => onReading(),
  )

  const gpuSurroundings = { platform, resourcesDir, runtimeDir: folder.runtimeDir }
  const readGpuLimit = createGpuLimitReading(gpuSurroundings)
  /** For the map, which is asked for at every snapshot: what was read last will do. */
  const readLastGpuLimit = createGpuLimitReading({
    ...gpuSurroundings,
    readSetLimit: async () => poller.latest().memory?.value.gpuLimitBytes ?? null,
  })
  const memoryMap = createMemoryMapSource({
    makePlan: (question) => readMemoryPlan({ ...question, platform: platform.id }),
    ask: async () => ({
      profileName: assembly.profileName,
      profile: assembly.profile,
      totalMemoryBytes: await platform.readTotalMemoryBytes(),
      gpuLimitBytes: await readLastGpuLimit(assembly.profile),
    }),
    onChange: () => feed.publish('change'),
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
    () => feed.publish('change'),
  )

  const plainSnapshot = (readings: ReturnType<typeof poller.latest>): PlainSnapshot => {
    const plain = foldSnapshot(
      {
        owner: { pid: process.pid, host: options.host, background: endsByItself(), since },
        profile: assembly.profileName,
        services: commands.withRestart(assembly.stack.states()),
        gateway: assembly.stack.gateway(),
        proof: assembly.prover.proof(),
        proofFailure: assembly.prover.failure(),
        requests: assembly.routerFeed.requests(),
        developers: assembly.routerFeed.developers(),
        nodes: assembly.nodes.current(Date.now(), poller.maxAgeMs()),
        ...readings,
      },
      Date.now(),
      poller.maxAgeMs(),
    )
    const speculationFailure = assembly.speculationFailure(plain.slots)
    return {
      ...plain,
      engineModel: assembly.engineModel(),
      ...(speculationFailure === null ? {} : { speculationFailure }),
      memoryMap: memoryMap.current(assembly.profile, assembly.engineAllocations(), plain.ramDisk),
      setUp: setUp.state(),
      lastOrders: commands.lastOrders(),
    }
  }
  const snapshot = (): Snapshot => {
    const readings = poller.latest()
    return observations.observe(plainSnapshot(readings), readings.slots?.takenAt ?? null)
  }

  const feed = createSnapshotFeed({
    snapshot,
    refresh: async () => {
      memoryMap.want()
      await poller.refresh()
    },
    onWatched: poller.setWatched,
  })

  const onChange = () => {
    assembly.prover.consider()
    // At once, not when it is told: two changes in one turn are two events.
    snapshot()
    feed.publish('change')
  }

  let engineReadAt = 0
  let toldNotices = ''
  const onReading = () => {
    const takenAt = poller.latest().throughput?.takenAt ?? engineReadAt
    const now = snapshot()
    // Not "later": the clock may have been set back.
    observations.addToHistory(now, takenAt !== engineReadAt)
    engineReadAt = takenAt
    const notices = now.notices.map(({ id, since: at, raise }) => `${id} ${at} ${raise}`).join()
    if (feed.isWatched()) memoryMap.want()
    feed.publish(notices === toldNotices ? 'reading' : 'change')
    toldNotices = notices
  }

  function initialAssembly(): ServiceAssembly {
    const intent = readIntent(folder.intentPath)
    const { name, profile } =
      intent === null
        ? chooseProfile(settings.current(), null, folder.runtimeDir)
        : { name: intent.profileName, profile: intent.profile }
    return assemble(name, profile)
  }

  function assemble(name: string, profile: Profile): ServiceAssembly {
    void tellAgents({ folder, platform, profileName: name, profile }, logError)
    return assembleServices({
      ...options,
      logError,
      ledger,
      profileName: name,
      profile,
      onChange: () => onChange(),
      note: observations.note,
    })
  }

  const takeProfile = async ({ name, profile }: ChosenProfile): Promise<void> => {
    // Throws over a broken list of clients, which must not leave this core with an assembly that is closed.
    ensureKeys(folder.keysDir, profile.proxy.clientKey)
    await assembly.stack.releaseGateway(isSameGateway(assembly.profile, profile))
    await assembly.close()
    assembly = assemble(name, profile)
    void setUp.look(profile)
    await assembly.stack.adopt()
  }

  const note = (severity: StackEvent['severity'], text: string) => {
    observations.note({ at: Date.now(), severity, service: null, text })
    feed.publish('change')
  }

  let bringingBack = false
  let ending = false
  const commands = createCoreCommands({
    folder,
    platform,
    settings,
    memoryMap,
    setUp,
    assembly: () => assembly,
    takeProfile,
    readGpuLimit,
    note,
    logError,
    onAllStopped: () => {
      if (keepers > 0) return
      if (options.background) ending = true
      stopped()
    },
    isEnding: () => ending,
    isBringingBack: () => bringingBack,
  })

  /** What runs is what a question is about, also while it starts or has failed. */
  const running = (): ChosenProfile | null => {
    const { llamaServer, proxy } = assembly.stack.states()
    if (llamaServer.phase === 'stopped' && proxy.phase === 'stopped') return null
    return { name: assembly.profileName, profile: assembly.profile, because: 'it runs now' }
  }
  const answering = { ...options, settings, running }

  const looked = setUp.look(assembly.profile)
  const adopted = await assembly.stack.adopt()
  const missing: readonly ServiceId[] = commands.wanted().filter((id) => !adopted.includes(id))
  if (missing.length > 0) {
    const given = assembly
    bringingBack = true
    bringBack({
      missing,
      chosen: { name: assembly.profileName, profile: assembly.profile },
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
      .catch((error: unknown) => logError(new Error(`what ran was not started again: ${messageOf(error)}`)))
      .finally(() => {
        bringingBack = false
      })
  }
  // The first snapshot must not say that nothing is missing because nobody has looked.
  await looked

  return {
    snapshot,
    stoppedByCommand,
    readSnapshot: async () => {
      memoryMap.want()
      await poller.refresh()
      return snapshot()
    },
    watch: feed.watch,
    ...createAsks(answering),
    readSnippet: async (name) => (await import('../answers/clients-answer.ts')).readSnippet(answering, name),
    watchHistory: observations.watchHistory,
    followLog: (log, listener) => followLogPieces(folder.logPath(log), listener, logError),
    keep: () => {
      keepers += 1
      let isKept = true
      return () => {
        if (!isKept) return
        isKept = false
        keepers -= 1
        if (!endsByItself() || bringingBack || !commands.isIdle()) return
        ending = true
        stopped()
      }
    },
    dispatch: commands.dispatch,
    dispatchForGuest: async (command) => {
      const outcome = await commands.dispatch(command, 'guest')
      if (outcome.accepted) note('info', describeGuestCommand(command))
      return outcome
    },
    close: () => {
      ending = true
      setUp.cancel()
      poller.close()
      return assembly.close()
    },
  }
}

/** Whether the gateway of the one would serve the other just as well: it is a door to the Router's address. */
const isSameGateway = (running: Profile, next: Profile): boolean =>
  isDeepStrictEqual(running.gateway, next.gateway) &&
  running.proxy.host === next.proxy.host &&
  running.proxy.port === next.proxy.port

// The core: one stack, its readings, its proof, and the commands that change it. Everyone who attaches sees this.

import type { Command, HistorySample, Outcome, Profile, ServiceId, Snapshot } from '../contract.ts'
import { serviceIds } from '../contract.ts'
import { createAsk } from './answers/answer-query.ts'
import { ConfigError, judgeProfile } from './config.ts'
import type { CoreLink } from './control/core-link.ts'
import { changeDeveloperKey, ownConfigReason } from './developer-keys-file.ts'
import { messageOf } from './error-message.ts'
import { createHistory, type HistoryReading } from './history.ts'
import { readIntent, writeIntent } from './intent.ts'
import { followLogPieces } from './logs/log-pieces.ts'
import type { Platform } from './platform/platform.ts'
import { createPoller } from './poller.ts'
import { type ChosenProfile, chooseProfile } from './profiles.ts'
import { describeHolders } from './ram-disk-service.ts'
import { assembleServices, type ServiceAssembly } from './service-assembly.ts'
import { openSettings } from './settings.ts'
import { foldSnapshot } from './snapshot.ts'
import { createSnapshotFeed } from './snapshot-feed.ts'
import { readMemoryPlan } from './stack-plan.ts'
import type { StateFolder } from './state-folder.ts'

export interface CoreOptions {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly host: 'app' | 'cli'
  readonly background: boolean
  /** Where the repository's or the app's `resources` are. */
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Core extends CoreLink {
  /** The present fold, without reading anything anew. */
  snapshot(): Snapshot
  /** Settles when a command to stop everything has been carried out. */
  readonly stoppedByCommand: Promise<void>
  /** Lets go of everything; what runs goes on running. */
  close(): void
}

/** A `down --now` still lets a process end by itself for this long. */
const hurriedGraceMs = 2_000

/** Composes the core and adopts what an earlier one left running. The caller holds the core lock. */
export const createCore = async (options: CoreOptions): Promise<Core> => {
  const { folder, platform } = options
  const since = Date.now()
  const settings = openSettings(folder)
  const history = createHistory()
  const historians = new Set<(samples: readonly HistorySample[]) => void>()
  let assembly: ServiceAssembly = initialAssembly()
  let stopped = () => {}
  const stoppedByCommand = new Promise<void>((resolve) => {
    stopped = resolve
  })

  const poller = createPoller(
    {
      engine: () => assembly.engineSource(),
      proxy: () => assembly.proxySource(),
      memory: platform.createMemoryReader(),
      ramDisk: () => assembly.readRamDisk(),
      recheckProof: () => assembly.recheckProof(),
    },
    () => onReading(),
  )

  const snapshot = (): Snapshot =>
    foldSnapshot(
      {
        owner: { pid: process.pid, host: options.host, background: options.background, since },
        profile: assembly.profileName,
        services: assembly.stack.states(),
        proof: assembly.prover.proof(),
        proofFailure: assembly.prover.failure(),
        ...poller.latest(),
      },
      Date.now(),
      poller.maxAgeMs(),
    )

  const feed = createSnapshotFeed({
    snapshot,
    refresh: poller.refresh,
    onWatched: poller.setWatched,
  })

  const onChange = () => {
    assembly.prover.consider()
    feed.publish('change')
  }

  let engineReadAt = 0
  const onReading = () => {
    const now = Date.now()
    const takenAt = poller.latest().throughput?.takenAt ?? engineReadAt
    const ended = history.add(readForHistory(snapshot(), takenAt > engineReadAt), now)
    engineReadAt = takenAt
    if (ended.length > 0) for (const tell of historians) tell(ended)
    feed.publish('reading')
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
    return assembleServices({ ...options, profileName: name, profile, onChange: () => onChange() })
  }

  const remember = (up: readonly ServiceId[]) =>
    writeIntent(folder.intentPath, {
      version: 1,
      up: [...up],
      profileName: assembly.profileName,
      profile: assembly.profile,
    })

  const wanted = (): readonly ServiceId[] => readIntent(folder.intentPath)?.up ?? []

  // --- commands --------------------------------------------------------------------------------------------------

  const refuse = (reason: string): Outcome => ({ accepted: false, reason })

  const start = async (command: Extract<Command, { type: 'start' }>): Promise<Outcome> => {
    const { llamaServer, proxy } = assembly.stack.states()
    const phases = [llamaServer.phase, proxy.phase]
    // A server that is just being rolled back after the other's failure must not change hands in between.
    const moving = phases.includes('starting') || phases.includes('stopping')
    const failed = phases.includes('failed') && !moving
    /** What lives was started with the present profile: no other may take it over. */
    const bound = phases.some((phase) => phase !== 'stopped' && phase !== 'failed')
    if (!bound || failed || command.profile !== null) {
      const requested = command.profile ?? (bound ? assembly.profileName : null)
      const refusal = await switchProfile(
        { ...command, profile: requested },
        { bound, renew: !bound || failed },
      )
      if (refusal !== null) return refuse(refusal)
    }
    const ids = command.only === null ? serviceIds : [command.only]
    if (command.replaceForeign === true) {
      const left = await assembly.endForeign(ids)
      if (left !== null) return refuse(left)
    }
    remember([...new Set([...wanted(), ...ids])])
    assembly.prover.retry()
    void assembly.stack.start(ids)
    return { accepted: true }
  }

  /** Takes the profile asked for, freshly read and checked; answers why not. */
  const switchProfile = async (
    command: Extract<Command, { type: 'start' }>,
    { bound, renew }: { readonly bound: boolean; readonly renew: boolean },
  ): Promise<string | null> => {
    try {
      const chosen = chooseProfile(settings.reread(), command.profile, folder.runtimeDir)
      if (bound && chosen.name !== assembly.profileName)
        return `the stack runs with profile ${assembly.profileName}; nexus down first, then nexus up --profile ${chosen.name}`
      if (!renew) return null
      const totalMemoryBytes = await platform.readTotalMemoryBytes()
      const problems = judgeProfile(chosen.profile, totalMemoryBytes)
      if (problems.length > 0) throw new ConfigError(`profile ${chosen.name}`, problems)
      if (!command.force) {
        const refusal = await refuseWhatDoesNotFit(chosen, totalMemoryBytes)
        if (refusal !== null) return refusal
      }
      assembly.close()
      assembly = assemble(chosen.name, chosen.profile)
      await assembly.stack.adopt()
      return null
    } catch (error) {
      return messageOf(error)
    }
  }

  /** A plan that cannot be made (a missing file) is no refusal: the service itself then says what is missing. */
  const refuseWhatDoesNotFit = async (
    { name, profile }: ChosenProfile,
    totalMemoryBytes: number,
  ): Promise<string | null> => {
    const gpuLimitBytes = poller.latest().memory?.value.gpuLimitBytes ?? null
    const memory = await readMemoryPlan({
      profileName: name,
      profile,
      totalMemoryBytes,
      gpuLimitBytes,
      platform: platform.id,
    })
    if (memory.kind !== 'planned' || memory.plan.verdict !== 'does-not-fit') return null
    return `profile ${name} does not fit: ${memory.plan.reasons.join('; ')}. Nothing was started; nexus up --force starts it anyway.`
  }

  const stop = async (command: Extract<Command, { type: 'stop' }>): Promise<Outcome> => {
    if (command.eject) {
      const refusal = await eject(command.force)
      if (refusal !== null) return refuse(refusal)
    }
    const ids = command.only === null ? serviceIds : [command.only]
    remember(wanted().filter((id) => !ids.includes(id) || (id === 'ramDisk' && !command.eject)))
    void stopServices(ids, command.now).then(() => {
      // A start may have overtaken this stop: then the core is needed.
      const { llamaServer, proxy } = assembly.stack.states()
      if (command.only === null && llamaServer.phase === 'stopped' && proxy.phase === 'stopped') stopped()
    })
    return { accepted: true }
  }

  const stopServices = (ids: readonly ServiceId[], now: boolean): Promise<void> => {
    const { drainSeconds, stopGraceSeconds } = settings.current()
    return assembly.stack.stop(ids, {
      drainMs: now ? 0 : drainSeconds * 1000,
      graceMs: now ? hurriedGraceMs : stopGraceSeconds * 1000,
      untilIdle: assembly.untilIdle,
    })
  }

  const eject = async (force: boolean): Promise<string | null> => {
    const outcome = await assembly.stack.eject(force)
    switch (outcome.kind) {
      case 'done':
      case 'not-mounted':
        return null
      case 'failed':
        return `the RAM disk was not ejected: ${outcome.reason}`
      case 'busy':
        return `the RAM disk is in use by ${describeHolders(outcome.holders)}: end them, or nexus down --eject --force; nexus down alone keeps it. Nothing was stopped.`
    }
  }

  const restart = async (only: ServiceId | null): Promise<Outcome> => {
    const ids = only === null ? serviceIds : [only]
    void stopServices(ids, true).then(() => assembly.stack.start(ids))
    remember([...new Set([...wanted(), ...ids])])
    return { accepted: true }
  }

  const changeKey = (command: Extract<Command, { type: 'key' }>): Outcome => {
    if (assembly.profile.proxy.configPath !== null) return refuse(ownConfigReason)
    try {
      return changeDeveloperKey(folder.keysDir, command)
    } catch (error) {
      return refuse(messageOf(error))
    }
  }

  const configure = async (command: Extract<Command, { type: 'configure' }>): Promise<Outcome> => {
    const totalMemoryBytes = await platform.readTotalMemoryBytes()
    const outcome = settings.configure(command.config, command.revision, totalMemoryBytes)
    if (outcome.accepted) feed.publish('change')
    return outcome
  }

  const carryOut = (command: Command): Promise<Outcome> => {
    switch (command.type) {
      case 'start':
        return start(command)
      case 'stop':
        return stop(command)
      case 'restart':
        return restart(command.only)
      case 'configure':
        return configure(command)
      case 'key':
        return Promise.resolve(changeKey(command))
      case 'setUp':
        return Promise.resolve(refuse('this core cannot do that from here yet'))
    }
  }
  /** Commands of several clients are taken one after the other: two profiles are never assembled at once. */
  let turn: Promise<unknown> = Promise.resolve()

  const adopted = await assembly.stack.adopt()
  const missing = wanted().filter((id) => !adopted.includes(id))
  if (missing.length > 0) void assembly.stack.start(missing)

  /** What runs is what a question is about, also while it starts or has failed. */
  const running = (): ChosenProfile | null => {
    const { llamaServer, proxy } = assembly.stack.states()
    if (llamaServer.phase === 'stopped' && proxy.phase === 'stopped') return null
    return { name: assembly.profileName, profile: assembly.profile, because: 'it runs now' }
  }
  const answering = { ...options, settings, running }

  return {
    snapshot,
    stoppedByCommand,
    readSnapshot: async () => {
      await poller.refresh()
      return snapshot()
    },
    watch: feed.watch,
    ask: createAsk(answering),
    readSnippet: async (name) => (await import('./answers/clients-answer.ts')).readSnippet(answering, name),
    watchHistory: (listener) => {
      historians.add(listener)
      listener(history.samples())
      return () => historians.delete(listener)
    },
    followLog: (log, listener) => followLogPieces(folder.logPath(log), listener, logError),
    dispatch: (command) => {
      const outcome = turn.then(() => carryOut(command))
      turn = outcome.catch(() => {})
      return outcome
    },
    close: () => {
      poller.close()
      assembly.close()
    },
  }
}

/** @param isNew whether the rates were read since the last look: the same ones twice would count twice */
const readForHistory = ({ slots, queue, throughput }: Snapshot, isNew: boolean): HistoryReading | null =>
  slots === null && queue === null && throughput === null
    ? null
    : {
        generationTokensPerSecond: isNew ? (throughput?.generationTokensPerSecond ?? null) : null,
        promptTokensPerSecond: isNew ? (throughput?.promptTokensPerSecond ?? null) : null,
        busySlots: slots === null ? null : slots.filter(({ phase }) => phase !== 'idle').length,
        waiting: queue?.deferred ?? null,
      }

const logError = (error: Error): void => {
  process.stderr.write(`${new Date().toISOString()} ${error.message}\n`)
}

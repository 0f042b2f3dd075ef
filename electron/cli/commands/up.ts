// `nexus up`: sets up, starts, and waits for the answer to a Claude request.
import type { Outcome } from '../../contract/command.ts'
import type { CommandedId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { formatBytes } from '../../core/base/format-bytes.ts'
import { readConfig } from '../../core/config/config.ts'
import type { ControlClient } from '../../core/control/client.ts'
import { readLastLines } from '../../core/logs/log-follow.ts'
import { readIntent } from '../../core/stack/intent.ts'
import { readDifferences, readMachine, readMemory } from '../../core/stack/plan-reading.ts'
import type { CliCommand } from '../arguments.ts'
import { attachOrHost, attachToRunning, startingMs } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { followUntil, readSnapshotInTime } from '../core-answer.ts'
import { createInterruption } from '../interruption.ts'
import { absoluteRequest, readClientGuides } from '../profile-choice.ts'
import { followSetUp } from '../set-up.ts'
import { judgeRestart, judgeUp } from '../settling.ts'
import { createLiveScreen } from '../view/live-screen.ts'
import {
  describeGateway,
  findFailure,
  renderFailure,
  renderGuestReady,
  renderReady,
} from '../view/outcome-view.ts'
import { renderMemoryReading } from '../view/plan-view.ts'
import { createProgressTracker, type ProgressTracker } from '../view/progress-view.ts'

type UpCommand = Extract<CliCommand, { name: 'up' }>

export const runUp = async (command: UpCommand, context: CliContext): Promise<number> => {
  const { only, json } = command
  const running = await attachToRunning(context, startingMs)
  let client = running
  let hasBegun = false
  try {
    // A stuck core would not answer the command either.
    if (running !== null) await readSnapshotInTime(running, context)
    // A core started now would fail on a bad config.
    else readConfig(context.folder.configPath, context.folder.lastGoodConfigPath)
    const startedAt = Date.now()
    client ??= await attachOrHost(context)
    const outcome = await client.dispatch({
      type: 'start',
      only,
      profile: absoluteRequest(command.profile),
      ...(command.model === null ? {} : { model: command.model }),
      force: command.force,
      replaceForeign: command.replaceForeign,
      // Another user's stack is theirs to set up.
      ...(client.user === null ? { setUp: true } : {}),
    })
    if (!outcome.accepted) return refuse(command, context, outcome)
    const { profile } = outcome
    if (!json && profile !== undefined) context.print(`Profile ${profile.name}: ${profile.because}.`)
    const wasSetUp = await followInterruptibly(client, context, only)
    hasBegun = true
    return await finishStart(client, context, { only, json, startedAt: wasSetUp ? Date.now() : startedAt })
  } finally {
    if (running === null && client !== null && !hasBegun) await endIdle(client)
    // An open connection would keep this process alive.
    client?.close()
  }
}

/** A core that was started for this command and got nothing to run ends when its last client releases it. */
const endIdle = async (client: ControlClient): Promise<void> => {
  const letGo = client.keep()
  letGo()
  // A later answer proves that both messages arrived; so does a core that is gone.
  await client.readSnapshot().catch(() => {})
}

/** An interruption cancels only set-up: what has started goes on without this command. */
const followInterruptibly = async (
  client: ControlClient,
  context: CliContext,
  only: CommandedId | null,
): Promise<boolean> => {
  const reason = 'set-up was interrupted; the next nexus up resumes it'
  const stop = createInterruption(reason, context)
  try {
    return await followSetUp(client, context, only, stop.signal)
  } finally {
    stop.end()
  }
}

/** Shows the whole plan when it does not fit: its suggestions say what to change. */
const refuse = (
  { json }: UpCommand,
  context: CliContext,
  { reason, misfit }: Extract<Outcome, { accepted: false }>,
): number => {
  const memory = misfit === undefined ? null : { kind: 'planned' as const, plan: misfit }
  if (json)
    context.print(JSON.stringify({ ready: false, reasons: [reason], ...(memory === null ? {} : { memory }) }))
  else {
    for (const line of memory === null ? [] : renderMemoryReading(memory, context)) context.printError(line)
    context.printError(reason)
  }
  return exitCodes.failed
}

export interface FinishOptions {
  readonly only: CommandedId | null
  readonly json: boolean
  /** ms since the epoch */
  readonly startedAt: number
  /** The snapshot before a restart: its processes must go first. */
  readonly replaced?: Snapshot
}

/** Follows a start to its end, shows it, and returns the exit code. */
export const finishStart = async (
  client: ControlClient,
  context: CliContext,
  { only, json, startedAt, replaced }: FinishOptions,
): Promise<number> => {
  const judge = (snapshot: Snapshot) =>
    replaced === undefined ? judgeUp(snapshot, only) : judgeRestart(snapshot, only, replaced)
  const progress = createProgressTracker(startedAt, context)
  const output = createProgressOutput(context, progress, json)
  let allocated: Promise<string | null> | null = null
  const last = await followUntil(
    client,
    (snapshot) => judge(snapshot).kind !== 'waiting',
    (snapshot) => {
      output.show(snapshot)
      // Costs no time while the Router is still loading.
      if (client.user === null && snapshot.services.llamaServer.phase === 'ready')
        allocated ??= describeAllocated(context)
    },
  )
  output.close()
  if (last === null) {
    const log = client.user === null ? `; its log is ${context.folder.logPath('core')}` : ''
    context.printError(`The core ended before the start was over${log}`)
    return exitCodes.failed
  }
  const judgement = judge(last)
  if (json) {
    const reasons = judgement.kind === 'failed' ? judgement.reasons : []
    context.print(JSON.stringify({ ready: judgement.kind === 'ready', reasons, snapshot: last }))
  } else if (judgement.kind === 'ready' && client.user !== null)
    for (const line of renderGuestReady(last, { user: client.user, only })) context.print(line)
  else if (judgement.kind === 'ready')
    await printReady(context, last, progress, { only, startedAt, allocated: await allocated })
  else for (const line of await describeFailure(context, last)) context.printError(line)
  return judgement.kind === 'ready' ? exitCodes.done : exitCodes.failed
}

const printReady = async (
  context: CliContext,
  snapshot: Snapshot,
  progress: ProgressTracker,
  { only, startedAt, allocated }: Pick<FinishOptions, 'only' | 'startedAt'> & { allocated: string | null },
): Promise<void> => {
  if (only !== null) {
    context.print(`Ready: ${snapshot.services[only].endpoint ?? only}`)
    const gateway = only === 'proxy' ? describeGateway(snapshot) : null
    if (gateway !== null) context.print(gateway)
    return
  }
  const elapsedMs = Date.now() - startedAt
  const { guides, apiKey } = await readClientGuides(context)
  const { baseUrl, warnings } = guides
  const notes = [allocated ?? (await describeAllocated(context)), ...warnings].filter((text) => text !== null)
  const note = notes.length === 0 ? null : notes.join('; ')
  const report = { snapshot, elapsedMs, stages: progress.stageTimes(), baseUrl, apiKey, note }
  for (const line of renderReady(report, context)) context.print(line)
}

/** A clause for the start report; `nexus plan` shows the parts. */
const describeAllocated = async (context: CliContext): Promise<string | null> => {
  const intent = readIntent(context.folder.intentPath)
  if (intent === null) return null
  const machine = await readMachine(null, context, intent.profile)
  const memory = await readMemory(context, intent.profileName, intent.profile, machine)
  const differences = (await readDifferences(context, intent.profile, memory)) ?? []
  if (differences.length === 0) return null
  const plannedBytes = differences.reduce((sum, part) => sum + (part.plannedBytes ?? 0), 0)
  const actualBytes = differences.reduce((sum, part) => sum + part.actualBytes, 0)
  return `the AI Engine allocated ${formatBytes(actualBytes)}, planned ${formatBytes(plannedBytes)} (nexus plan shows the parts)`
}

const describeFailure = async (context: CliContext, snapshot: Snapshot): Promise<readonly string[]> => {
  const { id } = findFailure(snapshot)
  // With a foreign process on its port, ours was not started: the log would be from an earlier run.
  const isOurs = snapshot.owner.user === undefined
  const started = isOurs && (id === 'llamaServer' || id === 'proxy') && snapshot.services[id].foreign === null
  const logTail = started ? await readLastLines(context.folder.logPath(id), 8) : []
  return renderFailure({ snapshot, logTail }, context)
}

/** On a terminal, seconds tick even if nothing else changes. */
const tickMs = 200

const createProgressOutput = (context: CliContext, progress: ProgressTracker, json: boolean) => {
  const draw = () => screen?.draw(progress.render(Date.now()))
  const screen =
    context.stdoutIsTerminal && !json
      ? createLiveScreen({ stream: process.stdout, mode: 'inline', process, onResize: () => draw() })
      : null
  const timer = screen === null ? undefined : setInterval(draw, tickMs)
  return {
    show: (snapshot: Snapshot) => {
      const lines = progress.add(snapshot, Date.now())
      if (screen === null && !json) for (const line of lines) context.print(line)
      draw()
    },
    close: () => {
      clearInterval(timer)
      draw()
      screen?.close()
    },
  }
}

// `nexus down`: stops everything of ours but the RAM disk.

import { serviceNames } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { within } from '../../core/base/first-of.ts'
import type { ControlClient } from '../../core/control/client.ts'
import { ramDiskSpec } from '../../core/forge/ram-disk-service.ts'
import { createLifeLook } from '../../core/supervise/life-look.ts'
import { isFetchActive } from '../../wording/fetch-words.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachIfAnythingRuns, attachOrHost, readOrphans } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { readSnapshotInTime } from '../core-answer.ts'
import { followUntil } from '../follow-core.ts'
import { fail, printAnswer } from '../print.ts'
import { readChosenProfile } from '../profile-choice.ts'
import { type DownJudgement, judgeDown, processesOf } from '../settling.ts'
import { describeBusy } from '../view/busy-view.ts'

type DownCommand = CommandNamed<'down'>

export const runDown = async (command: DownCommand, context: CliContext): Promise<number> => {
  const client =
    (await attachIfAnythingRuns(context)) ??
    (command.eject && (await isRamDiskMounted(context)) ? await attachOrHost(context) : null)
  if (client === null) return done(context, command, null, 'Nothing of ours was running.')
  try {
    return await stopThrough(client, command, context)
  } finally {
    client.close()
  }
}

const stopThrough = async (
  client: ControlClient,
  command: DownCommand,
  context: CliContext,
): Promise<number> => {
  const before = await readSnapshotInTime(client, context)
  const { only, eject, now, force } = command
  const busy = now || command.json || only === 'ramDisk' ? null : describeBusy(before, 'nexus down --now')
  if (busy !== null) context.printError(busy)
  const outcome = await client.dispatch({ type: 'stop', only, eject, now, force })
  if (!outcome.accepted) return failed(context, command, [outcome.reason])
  const after = await followUntil(client, (snapshot) => judgeDown(snapshot, only).kind !== 'waiting')
  const judgement = after === null ? await judgeWhatIsLeft(client, command, context) : judgeDown(after, only)
  if (judgement.kind === 'failed') return failed(context, command, judgement.reasons)
  if (client.user === null && before.owner.background && only === null)
    await untilCoreIsGone(client, before.owner.pid, context)
  return done(context, command, after, describeStopped(command, before) + describeFetches(after))
}

/**
 * After the core went away: a background core ends once everything is stopped, perhaps before reporting it, but it may
 * also have crashed.
 */
const judgeWhatIsLeft = async (
  client: ControlClient,
  { only }: DownCommand,
  context: CliContext,
): Promise<DownJudgement> => {
  const failure = (reason: string): DownJudgement => ({ kind: 'failed', reasons: [reason] })
  if (client.user !== null)
    return failure(`${client.user}'s core ended before it confirmed the stop: its services may still run`)
  const asked = processesOf(only)
  const left = (await readOrphans(context)).filter(({ service }) => asked.includes(service))
  if (left.length === 0) return { kind: 'stopped' }
  const names = left.map(({ service, pid }) => `the ${serviceNames[service]} (pid ${pid})`).join(' and ')
  return failure(
    `The core ended before everything was stopped, and left ${names} running. nexus down stops what is left.`,
  )
}

const coreEndMs = 10_000
const lookMs = 20

/** The background core exits after a full stop; only when its process is gone is nothing of ours left. */
const untilCoreIsGone = async (client: ControlClient, pid: number, context: CliContext): Promise<void> => {
  const { processes } = context.platform
  const isOvertaken = (snapshot: Snapshot) => judgeDown(snapshot, null).kind === 'failed'
  const overtaken = await within(
    followUntil(client, isOvertaken).catch(() => null),
    coreEndMs,
  )
  // A later nexus up needs this core.
  if (overtaken !== null) return
  const identity = await processes.readIdentity(pid)
  if (identity === null) return
  const deadline = Date.now() + coreEndMs
  const life = createLifeLook(identity, processes)
  while (Date.now() < deadline && (await life.isAlive())) {
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

const isRamDiskMounted = async (context: CliContext): Promise<boolean> => {
  const { profile } = await readChosenProfile(context, null)
  return (await context.platform.ramDisk.read(ramDiskSpec(profile, context.platform))).mounted
}

const describeStopped = (command: DownCommand, before: Snapshot): string => {
  if (command.only === 'ramDisk') {
    return command.eject
      ? 'The Build Forge is ejected.'
      : 'The Build Forge stays mounted: nexus down --only ramDisk --eject ejects it.'
  }
  if (command.only !== null) return `The ${serviceNames[command.only]} is stopped.`
  const disk = before.ramDisk
  if (command.eject) return 'Everything is stopped, and the Build Forge is ejected.'
  if (before.owner.user !== undefined)
    return `${before.owner.user}'s stack is stopped. nexus up starts it again.`
  return disk?.mounted === true
    ? `Everything is stopped. The Build Forge stays mounted at ${disk.mountPoint}; nexus down --eject removes it and what is on it.`
    : 'Everything is stopped.'
}

/** Downloads that keep a background core alive; empty without any. */
const describeFetches = (snapshot: Snapshot | null): string => {
  const fetches = (snapshot?.fetches ?? []).filter(isFetchActive)
  return fetches.length === 0
    ? ''
    : ` The core keeps downloading ${fetches.map(({ id }) => id).join(' and ')}; nexus model cancel stops that.`
}

const done = (
  context: CliContext,
  { json }: DownCommand,
  snapshot: Snapshot | null,
  message: string,
): number => {
  printAnswer(context, json, { stopped: true, message, snapshot }, [message])
  return exitCodes.done
}

const failed = (context: CliContext, { json }: DownCommand, reasons: readonly string[]): number => {
  if (json) context.print(JSON.stringify({ stopped: false, reasons }))
  return fail(context, reasons.join('\n'))
}

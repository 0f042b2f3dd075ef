// `nexus down`: stop, and leave nothing of ours behind but the RAM disk.
import { type Snapshot, serviceNames } from '../../contract.ts'
import type { ControlClient } from '../../core/control/client.ts'
import { within } from '../../core/deadline.ts'
import { ramDiskSpec } from '../../core/service-assembly.ts'
import type { CliCommand } from '../arguments.ts'
import { attachIfAnythingRuns, attachOrHost } from '../attach.ts'
import { type CliContext, exitCodes } from '../context.ts'
import { followUntil } from '../follow-core.ts'
import { readChosenProfile } from '../profile-choice.ts'
import { judgeDown } from '../settling.ts'
import { describeBusy } from '../view/busy-view.ts'

type DownCommand = Extract<CliCommand, { name: 'down' }>

export const runDown = async (command: DownCommand, context: CliContext): Promise<number> => {
  const client =
    (await attachIfAnythingRuns(context)) ??
    (command.eject && (await isRamDiskMounted(context)) ? await attachOrHost(context) : null)
  if (client === null) return report(context, command, null, 'Nothing of ours was running.')
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
  const before = await client.readSnapshot()
  if (!command.now && !command.json && command.only !== 'ramDisk') {
    const busy = describeBusy(before, 'nexus down --now')
    if (busy !== null) context.printError(busy)
  }
  const outcome = await client.dispatch({
    type: 'stop',
    only: command.only,
    eject: command.eject,
    now: command.now,
    force: command.force,
  })
  if (!outcome.accepted) return fail(context, command, [outcome.reason])
  const after = await followUntil(client, (snapshot) => judgeDown(snapshot, command.only).kind !== 'waiting')
  const judgement = after === null ? null : judgeDown(after, command.only)
  if (judgement?.kind === 'failed') return fail(context, command, judgement.reasons)
  if (client.user === null && before.owner.background && command.only === null)
    await untilCoreIsGone(client, before.owner.pid, context)
  return report(context, command, after, describeStopped(command, before))
}

const coreEndMs = 10_000
const lookMs = 20

/** The background core ends by itself after a full stop; nothing of ours is left only once its process is gone. */
const untilCoreIsGone = async (client: ControlClient, pid: number, context: CliContext): Promise<void> => {
  await within(client.closed, coreEndMs)
  const deadline = Date.now() + coreEndMs
  while (Date.now() < deadline && (await context.platform.processes.readIdentity(pid)) !== null) {
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

const report = (
  context: CliContext,
  command: DownCommand,
  snapshot: Snapshot | null,
  line: string,
): number => {
  context.print(command.json ? JSON.stringify({ stopped: true, message: line, snapshot }) : line)
  return exitCodes.done
}

const fail = (context: CliContext, command: DownCommand, reasons: readonly string[]): number => {
  if (command.json) context.print(JSON.stringify({ stopped: false, reasons }))
  else for (const reason of reasons) context.printError(reason)
  return exitCodes.failed
}

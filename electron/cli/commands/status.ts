// `nexus status`: what runs now, once or live.
import { serviceNames } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { ControlClient } from '../../core/control/client.ts'
import type { CommandNamed } from '../arguments.ts'
import { attachToRunning, readOrphans } from '../attach.ts'
import { type CliContext, exitCodes, printAnswer } from '../context.ts'
import { inTime, readSnapshotInTime } from '../core-answer.ts'
import { createLiveScreen } from '../view/live-screen.ts'
import { renderStatus } from '../view/status-view.ts'

export const runStatus = async (command: CommandNamed<'status'>, context: CliContext): Promise<number> => {
  const client = await attachToRunning(context)
  if (client === null) return reportNoCore(command.json, context)
  try {
    return command.watch ? await watch(client, context) : await show(client, command.json, context)
  } finally {
    client.close()
  }
}

const show = async (client: ControlClient, json: boolean, context: CliContext): Promise<number> => {
  const snapshot = await readSnapshotInTime(client, context)
  return printAnswer(context, json, snapshot, renderStatus(snapshot, { ...context, now: Date.now() }))
}

const reportNoCore = async (json: boolean, context: CliContext): Promise<number> => {
  const orphans = await readOrphans(context)
  const left = orphans.map(({ service, pid }) => `${serviceNames[service]} (pid ${pid})`).join(' and ')
  const message =
    orphans.length === 0
      ? 'Not running. nexus up starts everything.'
      : `No core runs, but it left the ${left} running. nexus up takes them over; nexus down stops them.`
  if (json) context.print(JSON.stringify({ running: false, message, orphans }))
  else context.printError(message)
  return exitCodes.notRunning
}

const watch = async (client: ControlClient, context: CliContext): Promise<number> => {
  const live = createWatchOutput(context)
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'))
  })
  const shown = inTime(client.watch(live.show).begun, client, context)
  const end = await shown
    .then(() => Promise.race([interrupted, client.closed.then(() => 'core-gone' as const)]))
    .finally(live.close)
  if (end === 'core-gone')
    context.printError(
      client.user === null
        ? 'The core ended. nexus up starts everything.'
        : `${client.user}'s core ended. Its services may still run.`,
    )
  return end === 'core-gone' ? exitCodes.notRunning : exitCodes.done
}

/** Redraws in place on a terminal; appends each screen when the output goes into a file. */
const createWatchOutput = (context: CliContext) => {
  const { stdout } = process
  let last: Snapshot | null = null
  const lines = () =>
    last === null
      ? []
      : renderStatus(last, { color: context.color, width: stdout.columns ?? 80, now: Date.now() })
  const screen = context.stdoutIsTerminal
    ? createLiveScreen({ stream: stdout, mode: 'full', process, onResize: () => screen?.draw(lines()) })
    : null
  return {
    show: (snapshot: Snapshot) => {
      last = snapshot
      if (screen === null) context.print(`${lines().join('\n')}\n`)
      else screen.draw(lines())
    },
    close: () => screen?.close(),
  }
}

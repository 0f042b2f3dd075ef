// `nexus logs`: the last lines of a service's log, and with --follow the next ones.
import { existsSync } from 'node:fs'
import { refuseLogs } from '../../contract/guest-rights.ts'
import { followLog, readLastLines } from '../../core/logs/log-follow.ts'
import { showControls } from '../../wording/visible-text.ts'
import type { CommandNamed } from '../arguments.ts'
import { readHost } from '../attach.ts'
import { type CliContext, exitCodes, fail } from '../context.ts'

export const runLogs = async (command: CommandNamed<'logs'>, context: CliContext): Promise<number> => {
  const path = context.folder.logPath(command.id)
  const user = await readHost(context)
  if (user !== null) {
    context.printError(refuseLogs(user))
    // There may still be a log of an earlier run of one's own.
    if (!existsSync(path)) return exitCodes.failed
    context.printError('The lines below are from your own stack, which is not running now.')
  }
  if (!command.follow) {
    if (!existsSync(path))
      return fail(
        context,
        `${command.id} has not run yet: there is no ${path}. nexus up starts everything.`,
        exitCodes.notRunning,
      )
    for (const line of await readLastLines(path, command.lines)) context.print(showControls(line))
    return exitCodes.done
  }
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  for await (const line of followLog({ path, lines: command.lines, signal: stop.signal })) {
    await writeLine(line)
  }
  return exitCodes.done
}

/** Waits for a slow reader (a pager, a slow SSH line) instead of buffering the log in memory. */
const writeLine = (line: string): Promise<void> | undefined =>
  process.stdout.write(`${showControls(line)}\n`)
    ? undefined
    : new Promise((resolve) => process.stdout.once('drain', () => resolve()))

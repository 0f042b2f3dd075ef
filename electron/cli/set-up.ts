// Shows set-up on the terminal: the core's, requested by `nexus up`, or this process's own.

import type { Profile } from '../contract/profile.ts'
import { type CommandedId, commandedIds } from '../contract/service-ids.ts'
import type { ControlClient } from '../core/control/client.ts'
import { ensureSetUp as ensureCoreSetUp } from '../core/setup/set-up.ts'
import { describeProgress, type SetupContext, type SetupProgress } from '../core/setup/setup-step.ts'
import { showControls } from '../wording/visible-text.ts'
import type { CliContext } from './context.ts'
import { followUntil } from './follow-core.ts'
import { truncate } from './view/text-line.ts'

/** Idempotent: a few file reads when everything is there. Throws a one-sentence error. */
export const ensureSetUp = (profile: Profile, context: CliContext, signal: AbortSignal): Promise<void> => {
  const { runtimeDir } = context.folder
  return withReporter(context, (report) => {
    const setup: SetupContext = { runtimeDir, resourcesDir: context.resourcesDir, signal, report }
    return ensureCoreSetUp(profile, setup)
  })
}

/**
 * Shows what the core installs for the start that it has just accepted; false when it installs nothing. Throws a
 * one-sentence error. Aborting `signal` cancels the set-up.
 */
export const followSetUp = async (
  client: ControlClient,
  context: CliContext,
  only: CommandedId | null,
  signal: AbortSignal,
): Promise<boolean> => {
  let wasRunning = false
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    const last = await withReporter(context, (report) =>
      Promise.race([
        interrupted,
        followUntil(
          client,
          ({ setUp }) => (setUp?.running ?? null) === null,
          ({ setUp }) => {
            const running = setUp?.running ?? null
            if (running === null) return
            wasRunning = true
            const { message, done, total } = running
            report(done === null || total === null ? { message } : { message, done, total })
          },
        ),
      ]),
    )
    const failure = last?.setUp?.failure ?? null
    const asked = only === null ? commandedIds : [only]
    // The core also reports an earlier failure that has nothing to do with this start.
    if (failure !== null && asked.some((id) => last?.services[id].phase === 'stopped'))
      throw new Error(failure)
    return wasRunning
  } catch (error) {
    if (signal.aborted)
      await client.dispatch({ type: 'stop', only, eject: false, now: true, force: false }).catch(() => {})
    throw error
  }
}

/** Output after the work, errors too, begins on a new line. */
export const withReporter = async <T>(
  context: Pick<CliContext, 'printError'>,
  work: (report: (progress: Progress) => void) => Promise<T>,
  stream: ProgressStream = process.stderr,
): Promise<T> => {
  const reporter = createReporter(context, stream)
  try {
    return await work(reporter.report)
  } finally {
    reporter.end()
  }
}

type Progress = Omit<SetupProgress, 'step'>

/** The part of tty.WriteStream used here. */
interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Off a terminal, countable progress is printed at every fifth. */
const fifths = 5

/** On stderr, so that --json stays clean; on a terminal one line is redrawn. */
const createReporter = (context: Pick<CliContext, 'printError'>, stream: ProgressStream) => {
  let last = ''
  let drawn = false
  const end = () => {
    if (drawn) stream.write('\n')
    drawn = false
  }
  const report = (progress: Progress) => {
    const counted = progress.done !== undefined && progress.total !== undefined && progress.total > 0
    if (stream.isTTY === true && counted) {
      // A wrapped line can't be redrawn in place.
      const line = truncate(describeProgress(progress), stream.columns ?? 80)
      stream.write(`\r\u001b[K${showControls(line)}`)
      drawn = true
      return
    }
    const mark = counted
      ? `${progress.total} ${Math.floor((fifths * (progress.done ?? 0)) / (progress.total ?? 1))}`
      : progress.message
    if (mark === last) return
    last = mark
    end()
    context.printError(describeProgress(progress))
  }
  return { report, end }
}

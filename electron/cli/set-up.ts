// Set-up as a part of `nexus up`: what is missing is installed, with progress.

import type { Profile } from '../contract/profile.ts'
import { ensureSetUp as ensureCoreSetUp } from '../core/setup/set-up.ts'
import { describeProgress, type SetupContext } from '../core/setup/setup-step.ts'
import { showControls } from '../wording/visible-text.ts'
import type { CliContext } from './context.ts'
import { truncate } from './view/text-line.ts'

/** Idempotent: with everything there it costs a few file reads. Throws with one clear sentence. */
export const ensureSetUp = (profile: Profile, context: CliContext, signal: AbortSignal): Promise<void> => {
  const { runtimeDir } = context.folder
  return withReporter(context, (report) => {
    const setup: SetupContext = { runtimeDir, resourcesDir: context.resourcesDir, signal, report }
    return ensureCoreSetUp(profile, setup)
  })
}

/** What is said after the work, an error too, begins on a line of its own. */
export const withReporter = async <T>(
  context: Pick<CliContext, 'printError'>,
  work: (report: SetupContext['report']) => Promise<T>,
  stream: ProgressStream = process.stderr,
): Promise<T> => {
  const reporter = createReporter(context, stream)
  try {
    return await work(reporter.report)
  } finally {
    reporter.end()
  }
}

/** What is needed of a tty.WriteStream. */
interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Off a terminal, what can be counted is said when another fifth of it is done. */
const fifths = 5

/** On stderr, so that --json stays clean; on a terminal one line is redrawn. */
const createReporter = (context: Pick<CliContext, 'printError'>, stream: ProgressStream) => {
  let last = ''
  let drawn = false
  const end = () => {
    if (drawn) stream.write('\n')
    drawn = false
  }
  const report: SetupContext['report'] = (progress) => {
    const counted = progress.done !== undefined && progress.total !== undefined && progress.total > 0
    if (stream.isTTY === true && counted) {
      // A line that the terminal wraps is not redrawn but repeated.
      const line = truncate(describeProgress(progress), stream.columns ?? 80)
      stream.write(`\r\u001b[K${showControls(line)}`)
      drawn = true
      return
    }
    const mark = counted
      ? `${progress.step} ${Math.floor((fifths * (progress.done ?? 0)) / (progress.total ?? 1))}`
      : progress.message
    if (mark === last) return
    last = mark
    end()
    context.printError(describeProgress(progress))
  }
  return { report, end }
}

// Set-up as a part of `nexus up`: what is missing is installed, with progress.
import type { Profile } from '../contract.ts'
import { ensureSetUp as ensureCoreSetUp } from '../core/setup/set-up.ts'
import { describeProgress, type SetupContext } from '../core/setup/setup-step.ts'
import type { CliContext } from './context.ts'

/** Idempotent: with everything there it costs a few file reads. Throws with one clear sentence. */
export const ensureSetUp = async (profile: Profile, context: CliContext): Promise<void> => {
  const stop = new AbortController()
  const interrupt = () =>
    stop.abort(new Error('set-up was interrupted; the next nexus up goes on where it stopped'))
  process.once('SIGINT', interrupt)
  const setup: SetupContext = {
    runtimeDir: context.folder.runtimeDir,
    resourcesDir: context.resourcesDir,
    signal: stop.signal,
    report: createReporter(context),
  }
  try {
    await ensureCoreSetUp(profile, setup)
  } finally {
    process.off('SIGINT', interrupt)
  }
}

/** Off a terminal, what can be counted is said when another fifth of it is done. */
const fifths = 5

/** On stderr, so that --json stays clean; on a terminal one line is redrawn. */
export const createReporter = (context: CliContext): SetupContext['report'] => {
  const { stderr } = process
  let last = ''
  let drawn = false
  return (progress) => {
    const counted = progress.done !== undefined && progress.total !== undefined && progress.total > 0
    if (stderr.isTTY === true && counted) {
      stderr.write(`\r\u001b[K${describeProgress(progress)}`)
      drawn = true
      return
    }
    const mark = counted
      ? `${progress.step} ${Math.floor((fifths * (progress.done ?? 0)) / (progress.total ?? 1))}`
      : progress.message
    if (mark === last) return
    last = mark
    if (drawn) stderr.write('\n')
    drawn = false
    context.printError(describeProgress(progress))
  }
}

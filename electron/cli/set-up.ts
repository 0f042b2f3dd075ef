// Shows set-up on the terminal: the core's, requested by `nexus up`, or this process's own.
import { stopCommand } from '../contract/command.ts'
import type { Profile } from '../contract/profile.ts'
import { type CommandedId, commandedIds } from '../contract/service-ids.ts'
import type { ControlClient } from '../core/control/client.ts'
import { ensureSetUp as ensureCoreSetUp } from '../core/setup/set-up.ts'
import { describeProgress, type SetupContext, type SetupProgress } from '../core/setup/setup-step.ts'
import type { CliContext } from './context.ts'
import { followUntil } from './core-answer.ts'
import { type ProgressStream, withProgressLine } from './view/progress-line.ts'

/**
 * Installs in this process: only for `nexus bench model` and `nexus selfcheck`, which are made to run without a core (the bench stops
 * the AI Engine and starts its own, the selfcheck tests set-up itself). A start leaves set-up to the core: see `followSetUp`.
 * Idempotent: a few file reads when everything is there. Throws a one-sentence error.
 */
export const ensureSetUp = (profile: Profile, context: CliContext, signal: AbortSignal): Promise<void> =>
  withSetup(context, signal, (setup) => ensureCoreSetUp(profile, setup))

/** For one step of set-up, shown like all of it. */
export const withSetup = <T>(
  context: CliContext,
  signal: AbortSignal,
  work: (setup: SetupContext) => Promise<T>,
): Promise<T> =>
  withReporter(context, (report) =>
    work({ runtimeDir: context.folder.runtimeDir, resourcesDir: context.resourcesDir, signal, report }),
  )

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
  try {
    const last = await withReporter(context, (report) =>
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
        signal,
      ),
    )
    const failure = last?.setUp?.failure ?? null
    const asked = only === null ? commandedIds : [only]
    // The core also reports an earlier failure that has nothing to do with this start.
    if (failure !== null && asked.some((id) => last?.services[id].phase === 'stopped'))
      throw new Error(failure)
    return wasRunning
  } catch (error) {
    if (signal.aborted) await client.dispatch({ ...stopCommand(only), now: true }).catch(() => {})
    throw error
  }
}

/** Off a terminal, countable progress is printed at every fifth. */
const fifths = 5

export const withReporter = <T>(
  context: Pick<CliContext, 'printError'>,
  work: (report: (progress: Omit<SetupProgress, 'step'>) => void) => Promise<T>,
  stream?: ProgressStream,
): Promise<T> =>
  withProgressLine(
    context,
    ({ draw, print }) =>
      work((progress) => {
        const { message, done = 0, total = 0 } = progress
        const line = describeProgress(progress)
        if (total > 0) draw(line, `${total} ${Math.floor((fifths * done) / total)}`)
        else print(line, message)
      }),
    stream,
  )

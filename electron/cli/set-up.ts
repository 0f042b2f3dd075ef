// Set-up as a part of `nexus up`: what is missing is installed, with progress.
import type { Profile } from '../contract.ts'
import { demoModelPath, ensureDemoModel } from '../core/setup/demo-model.ts'
import { ensureLiteLlm } from '../core/setup/litellm.ts'
import { ensureLlamaServer } from '../core/setup/llama-server-install.ts'
import { describeProgress, type SetupContext } from '../core/setup/setup-step.ts'
import type { CliContext } from './context.ts'

/** Idempotent: with everything there it costs a few file reads. Throws with one clear sentence. */
export const ensureSetUp = async (profile: Profile, context: CliContext): Promise<void> => {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('set-up was interrupted; the next nexus up goes on where it stopped'))
  process.once('SIGINT', interrupt)
  const setup: SetupContext = {
    runtimeDir: context.folder.runtimeDir,
    resourcesDir: context.resourcesDir,
    signal: stop.signal,
    report: createReporter(context),
  }
  try {
    await ensureLlamaServer(setup, profile.llamaServer.binaryPath)
    if (profile.llamaServer.modelPath === demoModelPath(setup.runtimeDir)) await ensureDemoModel(setup)
    await ensureLiteLlm(setup)
  } finally {
    process.off('SIGINT', interrupt)
  }
}

/** On stderr, so that --json stays clean; on a terminal one line is redrawn, elsewhere each message comes once. */
const createReporter = (context: CliContext): SetupContext['report'] => {
  const { stderr } = process
  let last = ''
  return (progress) => {
    const line = stderr.isTTY === true ? describeProgress(progress) : progress.message
    if (line === last) return
    last = line
    if (stderr.isTTY === true && progress.done !== undefined) {
      stderr.write(`\r\u001b[K${line}${progress.done === progress.total ? '\n' : ''}`)
    } else context.printError(line)
  }
}

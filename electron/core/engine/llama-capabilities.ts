// Asks a llama-server binary what it supports, once per file, by `--help` and `--version`; also builds its environment.
import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname } from 'node:path'
import { mayAccess } from '../base/regular-file.ts'
import { runBounded } from '../base/run-bounded.ts'
import { findLoaderFailure } from '../supervise/loader-failure.ts'
import { mendInstall } from './llama-exit.ts'
import { type LlamaCapabilities, parseLlamaHelp } from './llama-help.ts'
import { rememberPerFile } from './per-file.ts'

export type CapabilityReading =
  | { readonly kind: 'capabilities'; readonly capabilities: LlamaCapabilities }
  | { readonly kind: 'failed'; readonly reason: string }

export type LlamaPlatform = 'darwin' | 'linux'

/** Measured: --help takes 55 ms on Linux; the first run of a program on macOS waits for its signature check. */
const helpTimeoutMs = 15_000

/** The child's complete environment. */
export function llamaServerEnvironment(
  binaryPath: string,
  platform: LlamaPlatform,
): Readonly<Record<string, string>> {
  const common = {
    PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
    HOME: homedir(),
    LANG: 'C',
    LC_ALL: 'C',
    // Otherwise a failed assertion runs gdb for a stack trace (ggml.c, ggml_print_backtrace) and delays the restart.
    GGML_NO_BACKTRACE: '1',
  }
  // Releases put the libraries beside the program, not always with an rpath; macOS builds have one.
  return platform === 'linux' ? { ...common, LD_LIBRARY_PATH: dirname(binaryPath) } : common
}

/** Includes the version, for display only: no decision depends on it. */
export async function readLlamaCapabilities(
  binaryPath: string,
  platform: LlamaPlatform,
): Promise<CapabilityReading> {
  const [version, reading] = await Promise.all([
    runLlamaServer(binaryPath, platform, '--version'),
    readLlamaFlags(binaryPath, platform),
  ])
  if (reading.kind === 'failed') return reading
  const said = parseLlamaVersion(`${version.stderr}\n${version.stdout}`)
  return { kind: 'capabilities', capabilities: { ...reading.capabilities, version: said } }
}

/** What a start needs. The start waits for this, so it runs the program once instead of twice. */
async function readLlamaFlags(binaryPath: string, platform: LlamaPlatform): Promise<CapabilityReading> {
  const reason = await whyNotRunnable(binaryPath)
  if (reason !== null) return { kind: 'failed', reason }
  const help = await runLlamaServer(binaryPath, platform, '--help')
  const capabilities = parseLlamaHelp(help.stdout)
  if (capabilities !== null && help.exitCode === 0) return { kind: 'capabilities', capabilities }
  return { kind: 'failed', reason: explainHelpFailure(binaryPath, help) }
}

/** A failure may be fixed without touching the file (a missing system library), so it isn't cached. */
export const createCapabilityProbe = (platform: LlamaPlatform, read = readLlamaFlags) =>
  rememberPerFile(
    (binaryPath) => read(binaryPath, platform),
    ({ kind }) => kind !== 'failed',
  )

/** "version: 1 (571d0d5)" and "version: 0.1.0-dev (build 1, commit 7e4c0a9)"; measured: printed on stderr. */
export function parseLlamaVersion(text: string): string | null {
  return /^version:\s*(\S.{0,120}?)\s*$/m.exec(text)?.[1] ?? null
}

async function whyNotRunnable(binaryPath: string): Promise<string | null> {
  const file = await stat(binaryPath).catch(() => null)
  if (file === null) return `llama-server was not found at ${binaryPath}.`
  if (!file.isFile()) return `${binaryPath} is not a file, so it cannot be llama-server.`
  return mayAccess(binaryPath, constants.X_OK)
    ? null
    : `${binaryPath} is not executable. Mend it with: chmod +x '${binaryPath}'`
}

type RunResult = Pick<
  Awaited<ReturnType<typeof runBounded>>,
  'stdout' | 'stderr' | 'exitCode' | 'signal' | 'timedOut'
>

/** Runs the program and returns its output; never rejects. */
export async function runLlamaServer(
  binaryPath: string,
  platform: LlamaPlatform,
  flag: string,
): Promise<RunResult> {
  const result = await runBounded(
    binaryPath,
    [flag],
    { timeoutMs: helpTimeoutMs },
    {
      env: { ...llamaServerEnvironment(binaryPath, platform) },
      extendEnv: false,
      maxBuffer: 1_000_000,
    },
  )
  // If the system can't start the program (wrong architecture), only `originalMessage` holds the reason.
  return { ...result, stderr: result.stderr || (result.originalMessage ?? '') }
}

function explainHelpFailure(binaryPath: string, help: RunResult): string {
  if (help.timedOut) return `${binaryPath} --help did not answer within ${helpTimeoutMs / 1000} s.`
  const unloadable = findLoaderFailure(help.stderr.split('\n'))
  if (unloadable !== null) return `${binaryPath} ${unloadable.what}; ${mendInstall(unloadable.isHomebrew)}.`
  if (help.signal !== null) return `${binaryPath} --help was killed by ${help.signal}.`
  const said = help.stderr.split('\n').find((line) => line.trim() !== '')
  if (help.exitCode !== 0) {
    const status = help.exitCode === null ? 'could not be started' : `exited with status ${help.exitCode}`
    return `${binaryPath} --help ${status}${said === undefined ? '' : `: ${said.trim().slice(0, 300)}`}.`
  }
  return `${binaryPath} --help does not print llama-server's flags, so it is a different program.`
}

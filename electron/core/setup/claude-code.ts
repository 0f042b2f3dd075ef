// Installs a Claude Code for trials: the release that Nexus is tested with, from a lock with a hash for each platform, or the
// newest one; or uses an existing program.
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import { mayAccess, statIfThere } from '../base/regular-file.ts'
import { runBounded } from '../base/run-bounded.ts'
import { installFolder } from './pip-install.ts'
import { runInstaller } from './run-installer.ts'
import type { SetupContext } from './setup-step.ts'

export interface InstalledClaudeCode {
  readonly path: string
  readonly version: string
}

/** `pinned`: the one in the lock. `latest`: the newest on npm. Anything else: the absolute path of a program. */
export type ClaudeCodeChoice = 'pinned' | 'latest' | `/${string}`

export const isClaudeCodePath = (text: string): text is `/${string}` => isAbsolute(text)

const step = 'claude-code'
const lockFile = 'package-lock.json'
const scope = '@anthropic-ai'

/** Throws one sentence when there is no such client or it doesn't run here. */
export const ensureClaudeCode = async (
  context: SetupContext,
  choice: ClaudeCodeChoice,
): Promise<InstalledClaudeCode> => {
  if (choice === 'pinned') return ensurePinned(context)
  if (choice === 'latest') return ensureLatest(context)
  return { path: choice, version: await readVersion(choice, context.signal) }
}

/**
 * 2.1.332 is one program of 402 MB per platform, in its own npm package (seen); the usual package only locates it. Goes into
 * the runtime folder, never on PATH: the developers' own Claude Code is left alone.
 */
const ensurePinned = async (context: SetupContext): Promise<InstalledClaudeCode> => {
  const lock = await readFile(join(context.resourcesDir, 'claude-code', lockFile), 'utf8')
  const version = readLockedVersion(lock)
  const dir = join(context.runtimeDir, `claude-code-${version}`)
  const installation: Installation = {
    dir,
    version,
    prepare: async (partialDir) => {
      for (const name of ['package.json', lockFile])
        await copyFile(join(context.resourcesDir, 'claude-code', name), join(partialDir, name))
    },
    // `npm ci` follows the lock and its hashes, and skips packages for other platforms.
    npmWords: ['ci'],
    // The lock is copied into the folder, which is renamed last: an equal lock means a complete installation.
    isComplete: async (installedDir) => readFileOrNull(join(installedDir, lockFile)) === lock,
  }
  return ensureInstalled(context, installation)
}

/** Not locked by hash: npm only checks the download against the registry's current hash. */
const ensureLatest = async (context: SetupContext): Promise<InstalledClaudeCode> => {
  const manifest = await readFile(join(context.resourcesDir, 'claude-code', 'package.json'), 'utf8')
  const version = await askNewestVersion(context)
  const wanted = pinEveryPlatform(manifest, version)
  return ensureInstalled(context, {
    dir: join(context.runtimeDir, `claude-code-latest-${version}`),
    version,
    prepare: (partialDir) => writeFile(join(partialDir, 'package.json'), wanted),
    npmWords: ['install'],
    isComplete: async () => true,
  })
}

/** Our package.json with a different release for all platforms: npm picks this machine's. */
export const pinEveryPlatform = (manifest: string, version: string): string => {
  const wanted = manifest.replace(/(claude-code-[a-z0-9-]+": )"[0-9.]+"/g, `$1"${version}"`)
  if (wanted === manifest && !manifest.includes(`"${version}"`))
    throw new Error('package.json of Claude Code names no platform')
  return wanted
}

const askNewestVersion = async (context: SetupContext): Promise<string> => {
  const npm = await runNpm(context, ['view', `${scope}/claude-code`, 'version'], context.runtimeDir)
  const version = /^\d+\.\d+\.\d+$/.exec(npm.stdout.trim())?.[0]
  if (version === undefined)
    throw new Error(
      `npm could not find the newest version of Claude Code:\n  ${describeNpmError(npm.stderr)}`,
    )
  return version
}

/** All platforms' packages must have the same version; the lock is ours, so anything else is a bug. */
export const readLockedVersion = (lock: string): string => {
  const versions = [...lock.matchAll(/claude-code-[a-z0-9-]+": "([0-9.]+)"/g)].map(([, version]) => version)
  const [version] = versions
  if (version === undefined || versions.some((other) => other !== version))
    throw new Error(`${lockFile} of Claude Code does not name one version for all platforms`)
  return version
}

const findProgram = async (dir: string): Promise<string | null> => {
  const [name] = await readdir(join(dir, 'node_modules', scope)).catch(() => [])
  return name === undefined ? null : join(dir, 'node_modules', scope, name, 'claude')
}

interface Installation {
  readonly dir: string
  readonly version: string
  /** Writes npm's input. */
  readonly prepare: (partialDir: string) => Promise<void>
  readonly npmWords: readonly string[]
  readonly isComplete: (dir: string) => Promise<boolean>
}

const ensureInstalled = async (
  context: SetupContext,
  installation: Installation,
): Promise<InstalledClaudeCode> => {
  const { dir, version } = installation
  const isComplete = async () => (await installation.isComplete(dir)) && (await findProgram(dir)) !== null
  await installFolder(context, { step, dir, isComplete }, (partialDir) =>
    fill(context, installation, partialDir),
  )
  const path = await findProgram(dir)
  if (path === null) throw new Error(`Claude Code is missing from ${dir} although it was installed`)
  return { path, version }
}

const fill = async (
  context: SetupContext,
  { version, prepare, npmWords }: Installation,
  partialDir: string,
): Promise<void> => {
  context.report({
    step,
    message: `Fetching Claude Code ${version} (about 100 MB), for trials and tests only`,
  })
  await mkdir(partialDir, { recursive: true })
  await prepare(partialDir)
  // Runs no package scripts.
  const words = [...npmWords, '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress']
  const npm = await runNpm(context, words, partialDir)
  if (npm.failed)
    throw new Error(`npm could not fetch Claude Code ${version}:\n  ${describeNpmError(npm.stderr)}`)
  const program = await findProgram(partialDir)
  // npm silently skips an optional package that it can't get.
  if (program === null)
    throw new Error(
      `there is no Claude Code ${version} for ${process.platform} ${process.arch} in npm's registry`,
    )
  const found = await readVersion(program, context.signal)
  if (found !== version) throw new Error(`fetched Claude Code ${version}, but it reports version ${found}`)
}

const runNpm = async (context: SetupContext, words: readonly string[], cwd: string) => {
  const npm = await runInstaller(['npm', ...words], { signal: context.signal, limitMs: 60 * 60_000, cwd })
  if (npm.code === 'ENOENT')
    throw new Error(
      'npm is missing and is needed to fetch Claude Code (Debian: apt-get install npm; macOS: brew install node)',
    )
  return npm
}

const describeNpmError = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('npm error'))
    .slice(0, 4)
    .join('\n  ')

/** 23 ms on Linux (seen). A Mac checks all 402 MB of a new program before its first run. */
const versionTimeoutMs = 30_000

/** Its version. Throws one sentence when the path isn't a program, or not Claude Code. */
export const readVersion = async (
  program: string,
  signal: AbortSignal,
  timeoutMs: number = versionTimeoutMs,
): Promise<string> => {
  refuseUnlessProgram(program)
  const ended = await runBounded(program, ['--version'], { timeoutMs, signal }, { maxBuffer: 65_536 })
  signal.throwIfAborted()
  if (ended.timedOut) throw new Error(`${program} --version did not answer within ${timeoutMs / 1000} s`)
  if (ended.code === 'ENOENT')
    throw new Error(`${program} does not run: the interpreter in its first line is missing`)
  // Such as "2.1.332 (Claude Code)" (2.1.197 and 2.1.332, seen).
  const version = /^(\d+\.\d+\.\d+) \(Claude Code\)/.exec(ended.stdout)?.[1]
  if (ended.failed || version === undefined) {
    const said = [ended.stderr, ended.stdout, ended.shortMessage ?? ''].map((text) =>
      text.trim().split('\n').at(-1),
    )
    throw new Error(
      `${program} is not Claude Code, or does not run here: --version printed "${said.find((text) => text) ?? ''}"`,
    )
  }
  return version
}

const refuseUnlessProgram = (path: string): void => {
  const stats = statIfThere(path)
  if (stats === null) throw new Error(`there is no program ${path}`)
  if (stats.isDirectory())
    throw new Error(`${path} is a folder; allowed: the program itself, such as ${join(path, 'claude')}`)
  if (!stats.isFile()) throw new Error(`${path} is not a regular file; allowed: the Claude Code program`)
  if (!mayAccess(path, constants.X_OK))
    throw new Error(`${path} is not executable for this user; chmod +x fixes that`)
}

// Installs the Claude Code release that Nexus is proved with, from a lock that names its hash for each platform.
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { installOnce } from './pip-install.ts'
import type { SetupContext } from './setup-step.ts'

export interface InstalledClaudeCode {
  readonly path: string
  readonly version: string
}

const step = 'claude-code'
const lockFile = 'package-lock.json'
const scope = '@anthropic-ai'

/**
 * 2.1.197 is one program of 245 MB per platform, in an npm package of its own (seen); the package that is usually
 * installed only finds it. Into the runtime folder, never onto PATH: the developers' own Claude Code is left alone.
 */
export const ensureClaudeCode = async (context: SetupContext): Promise<InstalledClaudeCode> => {
  const lockPath = join(context.resourcesDir, 'claude-code', lockFile)
  const lock = await readFile(lockPath, 'utf8')
  const version = readLockedVersion(lock)
  const dir = join(context.runtimeDir, `claude-code-${version}`)
  await installOnce(
    context,
    step,
    async () => (await findProgram(dir, lock)) !== null,
    () => install(context, { dir, lock, version }),
  )
  const path = await findProgram(dir, lock)
  if (path === null) throw new Error(`Claude Code is missing from ${dir} although it was installed`)
  return { path, version }
}

/** All platforms' packages have the same version; the lock is ours, so one that says otherwise is a mistake. */
export const readLockedVersion = (lock: string): string => {
  const versions = [...lock.matchAll(/claude-code-[a-z0-9-]+": "([0-9.]+)"/g)].map(([, version]) => version)
  const [version] = versions
  if (version === undefined || versions.some((other) => other !== version))
    throw new Error(`${lockFile} of Claude Code does not name one version for all platforms`)
  return version
}

/** null unless the very lock was installed: it is copied beside the packages, and the folder renamed last. */
const findProgram = async (dir: string, lock: string): Promise<string | null> => {
  const installed = await readFile(join(dir, lockFile), 'utf8').catch(() => null)
  if (installed !== lock) return null
  const [name] = await readdir(join(dir, 'node_modules', scope)).catch(() => [])
  return name === undefined ? null : join(dir, 'node_modules', scope, name, 'claude')
}

interface Installation {
  readonly dir: string
  readonly lock: string
  readonly version: string
}

const install = async (context: SetupContext, { dir, lock, version }: Installation): Promise<void> => {
  context.report({ step, message: `Fetching Claude Code ${version} (about 70 MB), for tries and tests only` })
  const partialDir = `${dir}.partial`
  await rm(partialDir, { recursive: true, force: true })
  await rm(dir, { recursive: true, force: true })
  await mkdir(partialDir, { recursive: true })
  for (const name of ['package.json', lockFile])
    await copyFile(join(context.resourcesDir, 'claude-code', name), join(partialDir, name))
  // `npm ci` keeps to the lock and its hashes; what is for another platform is left out, and nothing is run.
  const npm = await execa('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress'], {
    cwd: partialDir,
    stdin: 'ignore',
    reject: false,
    timeout: 60 * 60_000,
    cancelSignal: context.signal,
  })
  context.signal.throwIfAborted()
  if (npm.code === 'ENOENT')
    throw new Error(
      'npm is missing, which fetches Claude Code (Debian: apt-get install npm; macOS: brew install node)',
    )
  if (npm.failed) {
    const why = npm.stderr.split('\n').filter((line) => line.startsWith('npm error'))
    throw new Error(`npm could not fetch Claude Code ${version}:\n  ${why.slice(0, 4).join('\n  ')}`)
  }
  const program = await findProgram(partialDir, lock)
  // npm takes an optional package that it could not have for unwanted, and says nothing.
  if (program === null)
    throw new Error(
      `there is no Claude Code ${version} for ${process.platform} ${process.arch} in npm's registry`,
    )
  await ensureItRuns(context, program, version)
  await rename(partialDir, dir)
}

const ensureItRuns = async (context: SetupContext, program: string, version: string): Promise<void> => {
  const answer = await execa(program, ['--version'], {
    stdin: 'ignore',
    reject: false,
    timeout: 60_000,
    cancelSignal: context.signal,
  })
  context.signal.throwIfAborted()
  if (answer.failed || !answer.stdout.startsWith(version))
    throw new Error(
      `Claude Code ${version} does not run here: ${answer.stderr.trim().split('\n').at(-1) || answer.shortMessage || answer.stdout}`,
    )
}

// Installs LiteLLM into its own virtual environment, from a lock with every package and its hash.
import { createHash } from 'node:crypto'
import { access, lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../base/private-file.ts'
import { readRegularFile } from '../base/regular-file.ts'
import { ensurePython } from './find-python.ts'
import { judgeLiteLlmVersion } from './litellm-version.ts'
import { createEnvironment, installOnce, installRequirements } from './pip-install.ts'
import { runPythonModule } from './run-python.ts'
import type { SetupContext } from './setup-step.ts'

export type InstalledLiteLlm = NonNullable<Awaited<ReturnType<typeof readInstalledLiteLlm>>>

const step = 'litellm'
const requirementsFile = 'requirements-litellm.txt'

/** Idempotent: costs a few file reads if installed. Refuses a known bad release, also one that Nexus didn't install. */
export const ensureLiteLlm = async (context: SetupContext): Promise<InstalledLiteLlm> => {
  const dir = join(context.runtimeDir, 'litellm')
  const requirements = await readFile(join(context.resourcesDir, requirementsFile), 'utf8')
  refuseKnownBad(readPinnedVersion(requirements))
  const stamp = stampOf(requirements)
  await installOnce(
    context,
    step,
    () => isComplete(dir, stamp),
    () => install(context, dir, stamp),
  )
  const installed = await readInstalledLiteLlm(context.runtimeDir)
  if (installed === null)
    throw new Error(
      `LiteLLM is missing from ${dir} although it was installed: remove that folder and try again`,
    )
  return installed
}

const stampOf = (requirements: string): string => createHash('sha256').update(requirements).digest('hex')

/** Whether exactly the lock's packages are installed. */
export const isLiteLlmInstalled = async ({
  runtimeDir,
  resourcesDir,
}: Pick<SetupContext, 'runtimeDir' | 'resourcesDir'>): Promise<boolean> => {
  const requirements = await readFile(join(resourcesDir, requirementsFile), 'utf8')
  return isComplete(join(runtimeDir, 'litellm'), stampOf(requirements))
}

/** Installs nothing; null when LiteLLM isn't installed. Throws when it is a release that must not run. */
export const readInstalledLiteLlm = async (runtimeDir: string) => {
  const dir = join(runtimeDir, 'litellm')
  const version = await readVersion(dir)
  if (version === null) return null
  refuseKnownBad(version)
  return { pythonPath: join(dir, 'bin', 'python'), version }
}

export const readPinnedLiteLlm = async (resourcesDir: string): Promise<string> =>
  readPinnedVersion(await readFile(join(resourcesDir, requirementsFile), 'utf8'))

/** The version in a lock's `litellm==` line. */
export const readPinnedVersion = (requirements: string): string => {
  const version = /^litellm(?:\[[^\]]*\])?==([^\s;\\]+)/m.exec(requirements)?.[1]
  if (version === undefined) throw new Error(`${requirementsFile} does not name a version of LiteLLM`)
  return version
}

const refuseKnownBad = (version: string): void => {
  const reason = judgeLiteLlmVersion(version)
  if (reason !== null) throw new Error(reason)
}

const isComplete = async (dir: string, stamp: string): Promise<boolean> => {
  try {
    // The environment's Python links to the system's, which an upgrade may have removed; access(2) follows links.
    await access(join(dir, 'bin', 'python'))
    return readRegularFile(join(dir, '.complete')) === stamp && (await readVersion(dir)) !== null
  } catch {
    return false
  }
}

/** From its folder's name: starting Python would already run a bad release's code (litellm_init.pth). */
const readVersion = async (dir: string): Promise<string | null> => {
  const libraries = await readdir(join(dir, 'lib')).catch(() => [])
  for (const library of libraries) {
    const packages = await readdir(join(dir, 'lib', library, 'site-packages')).catch(() => [])
    const version = packages
      .map((name) => /^litellm-(.+)\.dist-info$/.exec(name)?.[1])
      .find((found) => found !== undefined)
    if (version !== undefined) return version
  }
  return null
}

/**
 * Builds in a second folder, which replaces the one in use only when complete: a failed or offline set-up keeps the running
 * one. Always starts from an empty folder, because pip treats a partly unpacked package as installed. pip caches its
 * downloads.
 */
const install = async (context: SetupContext, dir: string, stamp: string): Promise<void> => {
  const nextDir = join(context.runtimeDir, '.litellm.next')
  // Already complete if a set-up was killed between the two renames.
  if (!(await isComplete(nextDir, stamp))) {
    try {
      await build(context, { buildDir: nextDir, dir, stamp })
    } catch (error) {
      // It can't be resumed, and is as large as the one in use.
      await remove(nextDir)
      throw error
    }
  }
  const oldDir = join(context.runtimeDir, '.litellm.old')
  await remove(oldDir)
  await rename(dir, oldDir).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
  })
  await rename(nextDir, dir)
  await remove(oldDir)
}

const remove = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 3 })

/** Builds in `buildDir` for use in `dir`. */
const build = async (
  context: SetupContext,
  { buildDir, dir, stamp }: { readonly buildDir: string; readonly dir: string; readonly stamp: string },
): Promise<void> => {
  const say = (message: string) => context.report({ step, message })
  const python = await ensurePython(context.signal, say)
  say(`Preparing LiteLLM's environment with Python ${python.major}.${python.minor}`)
  await remove(buildDir)
  await createEnvironment(python.path, buildDir, context.signal)
  const pythonPath = join(buildDir, 'bin', 'python')
  await installRequirements(context, { step, what: 'LiteLLM', pythonPath, requirementsFile, targetDir: null })
  say('Compiling LiteLLM, which halves its start-up time')
  // Some packages contain files that don't compile, so the exit status is meaningless.
  await runPythonModule({
    pythonPath,
    module: 'compileall',
    // -s and -p: compiled code contains its source path, and is corrected at each import if that has moved.
    args: ['-q', '-j', '0', '-s', buildDir, '-p', dir, join(buildDir, 'lib')],
    temporaryDir: buildDir,
    timeoutMs: 10 * 60_000,
    signal: context.signal,
  })
  await nameFinalFolder(buildDir, dir)
  await writeFile(join(buildDir, '.complete'), stamp)
}

/**
 * An environment's Python finds its packages relative to itself (pyvenv.cfg, docs.python.org/3/library/site.html); only the
 * scripts next to it contain its folder, in their first lines (venv: "scripts … are not portable").
 */
const nameFinalFolder = async (buildDir: string, dir: string): Promise<void> => {
  const binDir = join(buildDir, 'bin')
  const paths = [join(buildDir, 'pyvenv.cfg'), ...(await readdir(binDir)).map((name) => join(binDir, name))]
  for (const path of paths) {
    // Links point to the system's Python.
    if (!(await lstat(path)).isFile()) continue
    const bytes = await readFile(path)
    if (bytes.includes(0) || !bytes.includes(buildDir)) continue
    await writeFile(
      path,
      bytes.toString('utf8').replaceAll(buildDir, () => dir),
    )
  }
}

// Runs `pip install` on a hash-locked requirements file and reports progress.
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensurePython } from './find-python.ts'
import { runPythonModule } from './run-python.ts'
import { withSetupLock } from './setup-lock.ts'
import type { SetupContext, SetupProgress, SetupStepId } from './setup-step.ts'

export interface PipInstall {
  readonly step: SetupStepId
  /** What it is called in messages. */
  readonly what: string
  /** A virtual environment's Python, which has pip. */
  readonly pythonPath: string
  readonly requirementsFile: string
  /** A folder to unpack into; null: the virtual environment itself. */
  readonly targetDir: string | null
}

export const installRequirements = async (context: SetupContext, install: PipInstall): Promise<void> => {
  const { step, what } = install
  const requirementsPath = join(context.resourcesDir, install.requirementsFile)
  const readProgress = createPipProgress(what, await readFile(requirementsPath, 'utf8'))
  const temporaryDir = join(context.runtimeDir, `.${step}.tmp`)
  await rm(temporaryDir, { recursive: true, force: true })
  await mkdir(temporaryDir, { recursive: true })
  try {
    const result = await runPythonModule({
      pythonPath: install.pythonPath,
      module: 'pip',
      args: pipArguments(requirementsPath, install.targetDir),
      temporaryDir,
      timeoutMs: 60 * 60_000,
      signal: context.signal,
      onLine: (line) => {
        const progress = readProgress(line)
        if (progress !== null) context.report({ step, ...progress })
      },
    })
    if (!result.succeeded)
      throw new Error(`pip could not install ${what}:\n  ${result.lastLines.join('\n  ')}`)
  } finally {
    await rm(temporaryDir, { recursive: true, force: true })
  }
}

/** --no-deps: the lock is complete, so nothing else may be installed. */
const pipArguments = (requirementsPath: string, targetDir: string | null): readonly string[] => [
  'install',
  '--no-input',
  '--disable-pip-version-check',
  '--progress-bar=off',
  '--require-hashes',
  '--only-binary=:all:',
  '--no-deps',
  '--no-compile',
  ...(targetDir === null ? [] : ['--target', targetDir]),
  '--requirement',
  requirementsPath,
]

/** Creates a virtual environment with pip in `dir`, which must not exist. */
export const createEnvironment = async (
  pythonPath: string,
  dir: string,
  signal: AbortSignal,
): Promise<void> => {
  const result = await runPythonModule({
    pythonPath,
    module: 'venv',
    args: [dir],
    temporaryDir: dirname(dir),
    timeoutMs: 5 * 60_000,
    signal,
  })
  if (!result.succeeded) {
    throw new Error(
      `${pythonPath} could not create a virtual environment in ${dir}:\n  ${result.lastLines.join('\n  ')}`,
    )
  }
}

/** Unpacks a locked set of packages into `targetDir`, using a temporary environment. */
export const unpackRequirements = async (
  context: SetupContext,
  install: Omit<PipInstall, 'pythonPath' | 'targetDir'> & { readonly targetDir: string },
): Promise<void> => {
  const say = (message: string) => context.report({ step: install.step, message })
  const python = await ensurePython(context.signal, say)
  say(`Preparing to fetch ${install.what}`)
  const environmentDir = join(context.runtimeDir, `.${install.step}.pip`)
  await rm(environmentDir, { recursive: true, force: true })
  await createEnvironment(python.path, environmentDir, context.signal)
  try {
    await installRequirements(context, { ...install, pythonPath: join(environmentDir, 'bin', 'python') })
  } finally {
    await rm(environmentDir, { recursive: true, force: true })
  }
}

/** Runs `install` unless `isComplete`, one process at a time; a process that waited checks again first. */
export const installOnce = async (
  context: SetupContext,
  step: SetupStepId,
  isComplete: () => Promise<boolean>,
  install: () => Promise<void>,
): Promise<void> => {
  if (await isComplete()) return
  await withSetupLock(context, step, async () => {
    if (!(await isComplete())) await install()
  })
}

/** Like `installOnce`, into `dir`: `fill` makes a folder beside it, which takes its name only when complete. */
export const installFolder = (
  context: SetupContext,
  {
    step,
    dir,
    isComplete,
  }: {
    readonly step: SetupStepId
    readonly dir: string
    readonly isComplete: () => Promise<boolean>
  },
  fill: (partialDir: string) => Promise<void>,
): Promise<void> =>
  installOnce(context, step, isComplete, async () => {
    const partialDir = `${dir}.partial`
    for (const old of [dir, partialDir]) await rm(old, { recursive: true, force: true })
    await fill(partialDir)
    await rename(partialDir, dir)
  })

/** How many packages a locked requirements file has, ignoring markers. */
export const countRequirements = (requirements: string): number =>
  requirements.split('\n').filter((line) => /^[A-Za-z0-9][A-Za-z0-9._-]*==/.test(line)).length

export type PipProgress = Omit<Required<SetupProgress>, 'step'>

/**
 * The returned function converts each line to progress; null when the line changes nothing. Seen with pip 23.0 to 26:
 * `Collecting a==1 (from -r f (line 3))`, `  Downloading a-1.whl (12 kB)`, `Ignoring a: markers ...`.
 */
export const createPipProgress = (
  what: string,
  requirements: string,
): ((line: string) => PipProgress | null) => {
  let total = countRequirements(requirements)
  let done = 0
  return (line) => {
    // A requirement whose marker excludes this machine.
    if (line.startsWith('Ignoring ')) total -= 1
    const name = /^Collecting ([A-Za-z0-9._-]+)/.exec(line)?.[1]
    if (name !== undefined) {
      // pip may print a package twice (again as a dependency), so the count is capped at the total.
      done = Math.min(done + 1, total)
      return { message: `Fetching ${what}: ${name}`, done, total }
    }
    const [, file, size] = /^\s+Downloading (?:\S*\/)?([^/\s]+)(?: \(([^)]+)\))?/.exec(line) ?? []
    if (file !== undefined)
      return {
        message: `Downloading ${what}: ${file.split('-')[0]}${size === undefined ? '' : `, ${size}`}`,
        done,
        total,
      }
    return line.startsWith('Installing collected packages')
      ? { message: `Unpacking ${what}`, done: total, total }
      : null
  }
}

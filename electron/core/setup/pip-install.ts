// Runs `pip install` on a hash-locked requirements file and reports what it fetches.
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensurePython } from './find-python.ts'
import { createPipProgress } from './pip-output.ts'
import { withSetupLock } from './setup-lock.ts'
import type { SetupContext, SetupStepId } from './setup-step.ts'

/**
 * Runs pip so that it dies with us, also by kill -9: the pipe on its stdin then ends. An orphaned pip would write into the
 * folder that the next set-up clears.
 */
const pipThatDiesWithUs = `
import os, runpy, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(143)), daemon=True).start()
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
`

/**
 * The caller's environment, since it may say how packages are reached, without what would send Python elsewhere.
 * PYTHONDONTWRITEBYTECODE would double LiteLLM's start (measured: 10 s instead of 5 s).
 */
export const pythonEnvironment = (temporaryDir: string): Record<string, string | undefined> => ({
  LC_ALL: 'C',
  TMPDIR: temporaryDir,
  PYTHONDONTWRITEBYTECODE: undefined,
  PYTHONHOME: undefined,
  PYTHONPATH: undefined,
  PIP_PREFIX: undefined,
  PIP_REQUIRE_VIRTUALENV: undefined,
  PIP_ROOT: undefined,
  PIP_TARGET: undefined,
  PIP_USER: undefined,
})

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
  // On the disk that will hold the result: /tmp may be a small tmpfs, and pip unpacks there first.
  const temporaryDir = join(context.runtimeDir, `.${step}.tmp`)
  await rm(temporaryDir, { recursive: true, force: true })
  await mkdir(temporaryDir, { recursive: true })
  const child = execa(
    install.pythonPath,
    ['-c', pipThatDiesWithUs, ...pipArguments(requirementsPath, install.targetDir)],
    {
      all: true,
      reject: false,
      buffer: false,
      stdin: 'pipe',
      timeout: 4 * 60 * 60_000,
      env: pythonEnvironment(temporaryDir),
      cancelSignal: context.signal,
    },
  )
  const lastLines: string[] = []
  for await (const line of child.iterable({ from: 'all' })) {
    const progress = readProgress(line)
    if (progress !== null) context.report({ step, ...progress })
    if (line.trim() !== '') lastLines.push(line.trim())
    if (lastLines.length > 8) lastLines.shift()
  }
  const result = await child
  await rm(temporaryDir, { recursive: true, force: true })
  context.signal.throwIfAborted()
  if (result.failed) throw new Error(`pip could not install ${what}:\n  ${lastLines.join('\n  ')}`)
}

/** --no-deps: the lock is complete, so nothing that it does not name may come in. */
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

/** Makes a virtual environment with pip in `dir`, which must not exist. */
export const createEnvironment = async (
  pythonPath: string,
  dir: string,
  signal: AbortSignal,
): Promise<void> => {
  const result = await execa(pythonPath, ['-m', 'venv', dir], {
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: 5 * 60_000,
    env: { ...pythonEnvironment(join(dir, '..')), PYTHONDONTWRITEBYTECODE: '1' },
    cancelSignal: signal,
  })
  signal.throwIfAborted()
  if (result.failed) {
    const lastLines = (result.all ?? '').trim().split('\n').slice(-8).join('\n  ')
    throw new Error(`${pythonPath} could not make a virtual environment in ${dir}:\n  ${lastLines}`)
  }
}

/** Unpacks a locked set of packages into `targetDir`, with an environment of our own that exists only meanwhile. */
export const unpackRequirements = async (
  context: SetupContext,
  install: Omit<PipInstall, 'pythonPath' | 'targetDir'> & { readonly targetDir: string },
): Promise<void> => {
  const say = (message: string) => context.report({ step: install.step, message })
  const python = await ensurePython(context.signal, say)
  const environmentDir = join(context.runtimeDir, `.${install.step}.pip`)
  await rm(environmentDir, { recursive: true, force: true })
  await createEnvironment(python.path, environmentDir, context.signal)
  try {
    await installRequirements(context, { ...install, pythonPath: join(environmentDir, 'bin', 'python') })
  } finally {
    await rm(environmentDir, { recursive: true, force: true })
  }
}

/** Runs `install` unless `isComplete`, one process at a time: whoever waited looks again before working. */
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

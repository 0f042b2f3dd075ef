// Runs one of Python's modules (venv, pip, compileall) so that nothing of it outlives us.
import { execa } from 'execa'

/**
 * In a session of its own, and the whole of it ends when the pipe on its stdin does: also by kill -9 of this process. An
 * orphan (venv and compileall have children too) would write into the folder that the next set-up clears.
 */
const moduleThatDiesWithUs = `
import os, runpy, signal, sys, threading
os.setsid()
threading.Thread(target=lambda: (os.read(0, 1), os.killpg(0, signal.SIGKILL)), daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
`

export interface PythonRun {
  readonly pythonPath: string
  readonly module: 'venv' | 'pip' | 'compileall'
  readonly args: readonly string[]
  /** On the disk that will hold the result: /tmp may be a small tmpfs, and pip unpacks there first. */
  readonly temporaryDir: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onLine?: (line: string) => void
}

export interface PythonResult {
  readonly succeeded: boolean
  /** The end of what it printed, for a message that says why it failed. */
  readonly lastLines: readonly string[]
}

/** Rejects only when cancelled, and then after the whole of it has ended. */
export const runPythonModule = async (run: PythonRun): Promise<PythonResult> => {
  run.signal.throwIfAborted()
  const child = execa(run.pythonPath, ['-c', moduleThatDiesWithUs, run.module, ...run.args], {
    all: true,
    reject: false,
    buffer: false,
    stdin: 'pipe',
    env: pythonEnvironment(run.temporaryDir),
  })
  const end = () => child.stdin.destroy()
  const deadline = setTimeout(end, run.timeoutMs)
  run.signal.addEventListener('abort', end, { once: true })
  const lastLines: string[] = []
  try {
    for await (const line of child.iterable({ from: 'all' })) {
      run.onLine?.(line)
      if (line.trim() !== '') lastLines.push(line.trim())
      if (lastLines.length > 8) lastLines.shift()
    }
    const result = await child
    run.signal.throwIfAborted()
    // When the program itself is missing there is no output, only the system's own words.
    return {
      succeeded: !result.failed,
      lastLines: lastLines.length > 0 ? lastLines : [result.shortMessage ?? ''],
    }
  } finally {
    clearTimeout(deadline)
    run.signal.removeEventListener('abort', end)
  }
}

/**
 * The caller's environment, since it may say how packages are reached, without what would send Python elsewhere.
 * PYTHONDONTWRITEBYTECODE would double LiteLLM's start (measured: 10 s instead of 5 s).
 */
const pythonEnvironment = (temporaryDir: string): Record<string, string | undefined> => ({
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

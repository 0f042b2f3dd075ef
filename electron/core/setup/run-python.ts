// Runs one of Python's modules (venv, pip, compileall) so that none of its processes outlives us.
import { execa } from 'execa'
import { describeLate } from './run-installer.ts'

/**
 * Runs in its own session, which is killed when the pipe on its stdin closes, even after a kill -9 of this process. An orphan
 * (venv and compileall have children too) would write into the folder that the next set-up clears.
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
  /** Must be on the result's disk: pip unpacks here first, and /tmp may be a small tmpfs. */
  readonly temporaryDir: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onLine?: (line: string) => void
}

/** Rejects only when cancelled, after all of its processes have exited. */
export const runPythonModule = async (run: PythonRun) => {
  run.signal.throwIfAborted()
  const child = execa(run.pythonPath, ['-c', moduleThatDiesWithUs, run.module, ...run.args], {
    all: true,
    reject: false,
    buffer: false,
    stdin: 'pipe',
    env: pythonEnvironment(run.temporaryDir),
  })
  const end = () => child.stdin.destroy()
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    end()
  }, run.timeoutMs)
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
    if (isLate) lastLines.push(describeLate(run.module, run.timeoutMs))
    // If the program itself is missing there is no output, only the system's error.
    return {
      succeeded: !result.failed,
      /** The end of its output, for an error message. */
      lastLines: lastLines.length > 0 ? lastLines : [result.shortMessage ?? ''],
    }
  } finally {
    clearTimeout(deadline)
    run.signal.removeEventListener('abort', end)
  }
}

/**
 * The caller's environment, which may configure access to packages, without variables that would redirect Python.
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

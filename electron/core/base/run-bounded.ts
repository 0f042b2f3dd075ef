// Runs a program to its end within a time, whatever it and its children do.
import { execa, type Options } from 'execa'
import { isErrno } from './private-file.ts'

export interface Bounds {
  readonly timeoutMs: number
  /** Between SIGTERM and SIGKILL when the time is over or the signal aborts. 0: SIGKILL at once. */
  readonly graceMs?: number
  readonly signal?: AbortSignal
  /** Whether what it started may outlive it: `hdiutil attach` leaves the helper that serves the disk on older macOS (assumed). */
  readonly mayLeaveChildren?: boolean
}

/**
 * In a process group of its own, which ends with it. execa waits for the pipes to close, and a child of the program keeps
 * them open after its end (seen): when the time is over they are let go, with what was said so far.
 * Doesn't reject; `timedOut` and an abort are the caller's to look at.
 */
export const runBounded = async (
  file: string,
  args: readonly string[],
  { timeoutMs, graceMs = 0, signal, mayLeaveChildren = false }: Bounds,
  options: Pick<Options, 'cwd' | 'env' | 'extendEnv' | 'input' | 'maxBuffer'> = {},
) => {
  const child = execa(file, args, {
    ...(options.input === undefined ? { stdin: 'ignore' as const } : {}),
    ...options,
    reject: false,
    detached: true,
    all: true,
    stripFinalNewline: false,
  })
  let hasExited = false
  let timedOut = false
  let kill: NodeJS.Timeout | undefined
  const letGo = () => {
    if (!hasExited) signalGroup(child.pid, 'SIGKILL')
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const end = () => {
    if (hasExited || graceMs === 0) return letGo()
    signalGroup(child.pid, 'SIGTERM')
    kill ??= setTimeout(letGo, graceMs)
  }
  child.nodeChildProcess.once('exit', () => {
    hasExited = true
    if (!mayLeaveChildren) signalGroup(child.pid, 'SIGKILL')
  })
  const deadline = setTimeout(() => {
    timedOut = !hasExited
    end()
  }, timeoutMs)
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  try {
    const ended = await child
    return { ...ended, exitCode: ended.exitCode ?? null, signal: ended.signal ?? null, timedOut }
  } finally {
    clearTimeout(deadline)
    clearTimeout(kill)
    signal?.removeEventListener('abort', end)
  }
}

/** A group's id is not given to a new process while the group has members (credentials(7)). */
const signalGroup = (pid: number | undefined, name: NodeJS.Signals): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch (error) {
    // EPERM is what macOS says of a group of zombies (xnu killpg1).
    if (!isErrno(error, 'ESRCH', 'EPERM')) throw error
  }
}

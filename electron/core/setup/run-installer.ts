// Runs a program that installs something, such as npm or apt-get, within a time.
import { runBounded } from '../base/run-bounded.ts'

export interface InstallerRun {
  readonly signal: AbortSignal
  /** Far beyond a slow line's needs; what takes longer hangs. */
  readonly limitMs?: number
  /** Between SIGTERM and SIGKILL: dpkg finishes the package that it unpacks. */
  readonly graceMs?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export const describeLate = (command: string, limitMs: number): string =>
  `${command} did not finish within ${limitMs / 60_000} minutes and was ended`

/** Rejects when cancelled or late; a failed program is a result. */
export const runInstaller = async (
  [file, ...args]: readonly [string, ...string[]],
  { signal, limitMs = 20 * 60_000, graceMs = 30_000, cwd, env }: InstallerRun,
) => {
  const bounds = { timeoutMs: limitMs, graceMs, signal }
  const result = await runBounded(file, args, bounds, { ...(cwd && { cwd }), ...(env && { env }) })
  signal.throwIfAborted()
  if (result.timedOut) throw new Error(describeLate([file, ...args.slice(0, 1)].join(' '), limitMs))
  return result
}

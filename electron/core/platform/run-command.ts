// Runs one system command: argv only, with a deadline and the C locale; a failed command is a result, not an exception.
import { homedir } from 'node:os'
import { type Bounds, runBounded } from '../base/run-bounded.ts'

export type CommandResult =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  /** Not installed, not executable, or ended by a signal or our deadline; the reason is for users. */
  | { readonly kind: 'not-run'; readonly reason: string }

export type RunCommand = (
  argv: readonly [string, ...string[]],
  options?: Partial<Pick<Bounds, 'timeoutMs' | 'mayLeaveChildren'>>,
) => Promise<CommandResult>

/**
 * The system's own folders come first: a Homebrew coreutils `mount` or `ps` on the user's PATH prints another format.
 */
export const systemPath = '/usr/bin:/bin:/usr/sbin:/sbin'

const defaultTimeoutMs = 10_000
/** A listing of every open file on a busy machine is smaller than this; more is no format that we know. */
const maxOutputBytes = 64 * 1024 * 1024

/**
 * TZ is fixed because `ps -o lstart` prints local time, and an identity must stay the same when the system's time zone
 * changes.
 */
export const createCommandRunner =
  (searchPath: string = systemPath): RunCommand =>
  async ([file, ...args], { timeoutMs = defaultTimeoutMs, mayLeaveChildren = false } = {}) => {
    const result = await runBounded(
      file,
      args,
      { timeoutMs, mayLeaveChildren },
      {
        env: { PATH: searchPath, LC_ALL: 'C', TZ: 'UTC', HOME: homedir() },
        extendEnv: false,
        maxBuffer: maxOutputBytes,
      },
    )
    if (result.exitCode !== null) {
      return { kind: 'exited', exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }
    }
    if (result.timedOut) return { kind: 'not-run', reason: `${file} did not answer within ${timeoutMs} ms` }
    return { kind: 'not-run', reason: result.shortMessage ?? `could not run ${file}` }
  }

/** What it printed, whatever its exit status; '' when it did not run. */
export const stdoutOf = (result: CommandResult): string => (result.kind === 'exited' ? result.stdout : '')

/** The error of a failed command in one line, without its warnings. */
export const describeFailure = (result: CommandResult): string => {
  if (result.kind === 'not-run') return result.reason
  const lines = [result.stderr, result.stdout]
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
  // hdiutil of macOS 27 warns that ram:// is deprecated before it prints its error (gopass#3610).
  const reasons = lines.filter((line) => !/\bwarning:/i.test(line))
  const said = (reasons.length > 0 ? reasons : lines).slice(0, 3).join('; ')
  return said === '' ? `exit status ${result.exitCode} without output` : said
}

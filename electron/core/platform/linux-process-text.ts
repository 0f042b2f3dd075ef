// Parsers of /proc/PID/stat, /proc/PID/cmdline and /etc/passwd.

export interface ProcStat {
  readonly pid: number
  /** Cut to 15 characters by the kernel. */
  readonly comm: string
  readonly state: string
  readonly groupId: number
  /** Live threads; 1 for a zombie with nothing left. */
  readonly threads: number
  /** Clock ticks between boot and the start of the process. */
  readonly startTicks: string
}

/**
 * Field 2 of stat is the name in brackets, which may itself contain brackets, blanks and line ends, so count fields from the
 * last ')' (proc_pid_stat(5)). null when it is not such a line.
 */
export const parseProcStat = (text: string): ProcStat | null => {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 1 || close < open) return null
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  const [state, , group] = fields
  // Field 22 of the line; `rest` starts at field 3.
  const threads = fields[20 - 3]
  const startTicks = fields[22 - 3]
  const pidText = text.slice(0, open).trim()
  if (state === undefined || group === undefined || threads === undefined) return null
  if (startTicks === undefined) return null
  if (![pidText, threads, startTicks].every((number) => /^[0-9]{1,20}$/.test(number))) return null
  if (!/^-?[0-9]{1,20}$/.test(group) || !/^[A-Za-z]$/.test(state)) return null
  return {
    pid: Number(pidText),
    comm: text.slice(open + 1, close),
    state,
    groupId: Number(group),
    threads: Number(threads),
    startTicks,
  }
}

/**
 * Z is a zombie; X and x are dead (proc_pid_stat(5)). None of them is running, except that a process's first thread may be a
 * zombie while other threads are still ending and hold its ports open for some ms.
 */
export const isAlive = ({ state, threads }: ProcStat): boolean =>
  state === 'Z' ? threads > 1 : state !== 'X' && state !== 'x'

/**
 * argv as stored by the kernel: each argument ends with NUL, so an empty last argument counts. Programs that rewrite their
 * title (setproctitle) may leave no NUL or pad with many; the padding is no argument.
 */
export const parseCmdline = (text: string): readonly string[] | null => {
  if (text === '') return null
  const parts = text.split('\0')
  if (parts.at(-1) === '') parts.pop()
  const end = parts.findLastIndex((part) => part !== '')
  if (end === -1) return null
  const padded = parts.length - 1 - end > 1
  return padded ? parts.slice(0, end + 1) : parts
}

/** The name of a uid in /etc/passwd; null when not listed. */
export const parseUserName = (passwd: string, uid: number): string | null => {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':')
    if (fields.length >= 7 && fields[2] === String(uid)) return fields[0] ?? null
  }
  return null
}

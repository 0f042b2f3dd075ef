// Reads `launchctl print gui/UID/LABEL`. Pure.

export interface LaunchdJob {
  /** As launchd says it: running, not running, spawn scheduled, ... */
  readonly state: string
  readonly pid: number | null
  /** The plist it was loaded from. */
  readonly path: string | null
  readonly lastExit: string | null
}

/**
 * Only lines with exactly one TAB (eight blanks where a paste made them of it): the blocks inside repeat `state` and others for coalitions and triggers. After a
 * signal a line of its own stands in place of the exit code. null when it is not such a print.
 */
export const parseLaunchctlPrint = (output: string): LaunchdJob | null => {
  const values = new Map<string, string>()
  for (const line of output.split(/\r?\n/)) {
    const match = /^(?:\t| {8})([^\s=][^=]*?) = (.*)$/.exec(line)
    const [, key, value] = match ?? []
    if (key !== undefined && value !== undefined && !values.has(key)) values.set(key, value.trim())
  }
  const state = values.get('state')
  if (state === undefined) return null
  const pid = values.get('pid') ?? ''
  return {
    state,
    pid: /^[1-9]\d{0,8}$/.test(pid) ? Number(pid) : null,
    path: values.get('path') ?? null,
    lastExit: readLastExit(values),
  }
}

const readLastExit = (values: ReadonlyMap<string, string>): string | null => {
  const signal = values.get('last terminating signal')
  if (signal !== undefined) return `signal ${signal}`
  const code = values.get('last exit code')
  return code === undefined || code === '(never exited)' ? null : `exit status ${code}`
}

// Parses `launchctl print` of a job or a domain. Pure.

export type LaunchdJob = Readonly<NonNullable<ReturnType<typeof parseLaunchctlPrint>>>

interface Block {
  readonly values: ReadonlyMap<string, string>
  readonly blocks: ReadonlyMap<string, Block>
  /** Lines that are neither a value nor a block, such as the words of `arguments`. */
  readonly lines: readonly string[]
}

/**
 * null when the text does not describe a job. Only lines directly in the outer block belong to the job: inner blocks repeat
 * `state`, `pid` and others for coalitions and triggers.
 */
export const parseLaunchctlPrint = (output: string) => {
  const job = readOuterBlock(output)
  const state = job?.values.get('state')
  if (job === null || state === undefined) return null
  return {
    /** launchd's word: running, not running, spawn scheduled, ... */
    state,
    pid: readCount(job.values.get('pid')) || null,
    /** How often it was spawned since it was loaded; null when unknown. */
    runs: readCount(job.values.get('runs')),
    /** How it last ended, as a clause; null when it never did or it is unknown. */
    lastExit: readLastExit(job.values),
    /** Audit session id of its session; null when unknown. */
    asid: readCount(job.values.get('asid')),
    /** The coalition of its processes; macOS 27 ends them together (tmux/tmux#5465). null when unknown. */
    coalitionId: readCount(job.blocks.get('resource coalition')?.values.get('ID')),
    /** Program and arguments as loaded. */
    argv: job.blocks.get('arguments')?.lines ?? [],
    /** Variables from its plist, and those that launchd adds. */
    env: job.blocks.get('environment')?.values ?? new Map<string, string>(),
  }
}

/** The audit session of a domain, from its security context; null when unknown. */
export const parseDomainAsid = (output: string): number | null =>
  readCount(readOuterBlock(output)?.blocks.get('security context')?.values.get('asid'))

const readCount = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null

const emptyExits: ReadonlySet<string> = new Set(['(never exited)', '(none)', '(null)', ''])
const plainExits: ReadonlySet<string> = new Set([
  'last terminating signal',
  'last exit code',
  'last exit status',
])

/**
 * There is one of several lines: after a signal, or an exit with a kernel reason (OS_REASON_CODESIGNING, OS_REASON_DYLD,
 * JETSAM_REASON_...: recorded), launchd omits the exit code. If there are several, takes the most specific; an unknown line
 * about an exit counts as a reason.
 */
const readLastExit = (values: ReadonlyMap<string, string>): string | null => {
  const ends = [...values].filter(
    ([key, value]) => /^last (exit|terminating|jetsam|crash)/.test(key) && !emptyExits.has(value),
  )
  const said = (wanted: string): string | null => ends.find(([key]) => key === wanted)?.[1] ?? null
  const signal = said('last terminating signal')
  const code = said('last exit code') ?? said('last exit status')
  const reason = ends.find(([key, value]) => !plainExits.has(key) && value !== 'exited')?.[1]
  if (reason !== undefined) return reason
  if (signal !== null) return `signal ${signal}`
  return code === null ? null : `exit status ${code}`
}

type OpenBlock = ReturnType<typeof openBlock>

const openBlock = (indent: number, closer: '}' | ']') => ({
  indent,
  closer,
  values: new Map<string, string>(),
  blocks: new Map<string, Block>(),
  lines: [] as string[],
})

/**
 * Indentation decides which block a bracket closes, because an argument may itself be a bracket; in pastes without indentation
 * every line has the same depth, and brackets alone decide. The first of two equal keys wins. null when no block begins.
 */
const readOuterBlock = (output: string): Block | null => {
  let outer: OpenBlock | null = null
  const stack: OpenBlock[] = []
  for (const line of output.split(/\r?\n/)) {
    const text = line.trim()
    const indent = line.length - line.trimStart().length
    const top = stack.at(-1)
    if (top === undefined) {
      if (outer !== null) break
      if (/^\S.* = \{$/.test(text)) {
        outer = openBlock(indent, '}')
        stack.push(outer)
      }
    } else if (text === '}' || text === ']') {
      while ((stack.at(-1)?.indent ?? -1) > indent) stack.pop()
      if (stack.at(-1)?.indent === indent && stack.at(-1)?.closer === text) stack.pop()
    } else if (text !== '') addLine(text, indent, top, stack)
  }
  return outer
}

const addLine = (text: string, indent: number, top: OpenBlock, stack: OpenBlock[]): void => {
  const [, opened, bracket] = /^(.+?) =>? ([{[])$/.exec(text) ?? []
  if (opened !== undefined && bracket !== undefined) {
    const block = openBlock(indent, bracket === '{' ? '}' : ']')
    if (!top.blocks.has(opened)) top.blocks.set(opened, block)
    stack.push(block)
    return
  }
  // An array of one empty element closes on the element's own line (recorded on macOS 27: `0 = <tabs>]`).
  if (top.closer === ']' && /^\d+ =>?\s*\]$/.test(text)) {
    stack.pop()
    return
  }
  top.lines.push(text)
  const [, key, value] = /^(.+?) =>? ?(.*)$/.exec(text) ?? []
  if (key !== undefined && value !== undefined && !top.values.has(key)) top.values.set(key, value.trim())
}

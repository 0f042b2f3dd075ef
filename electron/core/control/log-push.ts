// New log lines for one client, in messages of a bounded size, and left out rather than queued for one that reads slowly.

/** As long as this much of what was sent before is unread, new lines are left out. */
const maxUnreadBytes = 262_144
/** In characters of JSON; a longer piece goes in several messages. */
export const maxMessageCharacters = 262_144

/**
 * What a window shows of a log is what is said now: a reader that falls behind is told how many lines it missed, and
 * the core never holds them for it.
 */
export const createLogPush = (
  readUnreadBytes: () => number,
  send: (lines: readonly string[]) => void,
): ((lines: readonly string[]) => void) => {
  let leftOut = 0
  return (lines) => {
    if (readUnreadBytes() > maxUnreadBytes) {
      leftOut += lines.length
      return
    }
    const all = leftOut === 0 ? lines : [leftOutLine(leftOut), ...lines]
    leftOut = 0
    for (const part of cutByLength(all)) send(part)
  }
}

export const leftOutLine = (count: number): string =>
  `[${count} ${count === 1 ? 'line' : 'lines'} left out here: written faster than read]`

/** A single line is never cut here: the log's reader bounds it to 64 KiB. */
const cutByLength = (lines: readonly string[]): readonly (readonly string[])[] => {
  const parts: string[][] = []
  let part: string[] = []
  let characters = 0
  for (const line of lines) {
    const length = JSON.stringify(line).length + 1
    if (part.length > 0 && characters + length > maxMessageCharacters) {
      parts.push(part)
      part = []
      characters = 0
    }
    part.push(line)
    characters += length
  }
  return part.length === 0 ? parts : [...parts, part]
}

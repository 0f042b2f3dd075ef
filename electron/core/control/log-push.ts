// New log lines for one client, in messages of bounded size; dropped, not queued, for a slow reader.

/** New lines are dropped while this much sent data is unread. */
const maxUnreadBytes = 262_144
/** In characters of JSON; a longer piece is split into several messages. */
export const maxMessageCharacters = 262_144

/**
 * A log window shows current lines: a reader that falls behind gets the number of lines it missed, and the core never
 * buffers them.
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

/** Never cuts a single line: the log's reader limits it to 64 KiB. */
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

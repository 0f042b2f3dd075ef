// Reads `screen -ls`, where the seed's start script left its two servers.

export interface ScreenSession {
  readonly pid: number
  readonly name: string
}

/**
 * Lines are `<TAB>PID.NAME<TAB>(Detached)`, on macOS with CR LF; unnamed sessions are `PID.ttysNNN.host`. The exit status
 * says nothing. null: neither a list nor one of the two ways to say that there is none.
 */
export const parseScreenList = (text: string): readonly ScreenSession[] | null => {
  const sessions = [...text.matchAll(/^\s+(\d+)\.(\S+)\s+\(/gm)].map((match) => ({
    pid: Number(match[1]),
    name: match[2] ?? '',
  }))
  if (sessions.length > 0) return sessions
  return /No Sockets found in|This room is empty/.test(text) ? [] : null
}

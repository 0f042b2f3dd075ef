// Parses `screen -ls`, where the seed's start script left its two servers.

/**
 * Lines are `<TAB>PID.NAME<TAB>(Detached)`, on macOS with CR LF; newer versions put the start time in brackets before that;
 * unnamed sessions are `PID.ttysNNN.host`. The exit status means nothing. null: neither a list nor one of the two messages for
 * no sessions, or fewer sessions than the last line counts.
 */
export const parseScreenList = (text: string) => {
  const sessions = [
    ...text.matchAll(
      /^[ \t]+(\d{1,10})\.([^\t\n]+?)[ \t]+(?:\(\d[\d/:. APMapm]*\)[ \t]+)?\(([^()\n]*)\)[ \t]*\r?$/gm,
    ),
  ].map((match) => ({
    pid: Number(match[1]),
    name: match[2] ?? '',
    /** screen's word: Attached, Detached, Dead ???, ... */
    status: match[3] ?? '',
  }))
  const declared = Number(/^(\d{1,6}) Sockets? in /m.exec(text)?.[1] ?? sessions.length)
  if (sessions.length > 0 && sessions.length >= declared) return sessions
  return /No Sockets found in|This room is empty/.test(text) ? [] : null
}

/**
 * `(Dead ???)`, `(Remote or dead)` and `(Unreachable)` are sockets without a listener (screen(1), -ls and -wipe): their pid may
 * belong to another program by now.
 */
export const isLiveSession = ({ status }: { readonly status: string }): boolean =>
  !/^(?:dead|remote|unreachable)/i.test(status)

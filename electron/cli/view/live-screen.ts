// Draws lines on a terminal, redraws only those that changed, and restores the terminal at the end.

/** The part of tty.WriteStream used here. */
export interface ScreenStream {
  write(text: string): unknown
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** The part of `process` used here. */
export interface ScreenProcess {
  readonly pid: number
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
  listenerCount(event: string): number
  kill(pid: number, signal: NodeJS.Signals): unknown
}

export interface LiveScreenOptions {
  readonly stream: ScreenStream
  /** `full`: the alternate screen, which disappears afterwards. `inline`: a few lines below the prompt, which stay. */
  readonly mode: 'full' | 'inline'
  readonly process: ScreenProcess
  /** The size changed: draw again with the new width. */
  readonly onResize: () => void
}

// Control sequences: ECMA-48 (CUP, CUU, EL, ED) and DEC private modes 25, 1049, and 2026 (synchronized output; other
// terminals ignore it).
const esc = '\x1b['
const enter = { full: `${esc}?1049h${esc}?25l${esc}H`, inline: `${esc}?25l` } as const
const leave = { full: `${esc}?25h${esc}?1049l`, inline: `${esc}?25h` } as const
const begin = `${esc}?2026h`
const end = `${esc}?2026l`
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const createLiveScreen = ({ stream, mode, process, onResize }: LiveScreenOptions) => {
  let shown: readonly string[] = []
  let closed = false

  const cut = (lines: readonly string[]): readonly string[] => {
    // One row stays free: a line end in the last row would scroll the screen.
    const rows = Math.max(1, (stream.rows ?? 24) - (mode === 'inline' ? 1 : 0))
    return lines.slice(0, rows)
  }
  const moveTo = (row: number): string => (mode === 'full' ? `${esc}${row + 1};1H` : '')

  // Erase before writing: after a line as wide as the terminal, EL would erase its last character, since the cursor
  // still stands on it (xterm and relatives).
  const drawFull = (lines: readonly string[]): string => {
    let text = ''
    for (const [row, line] of lines.entries()) {
      if (line !== shown[row]) text += `${moveTo(row)}${esc}K${line}`
    }
    // The rest of a taller previous screen.
    return shown.length > lines.length ? `${text}${moveTo(lines.length)}${esc}J` : text
  }
  const drawInline = (lines: readonly string[]): string => {
    let text = shown.length > 0 ? `\r${esc}${shown.length}A` : ''
    for (const [row, line] of lines.entries()) text += line === shown[row] ? '\r\n' : `\r${esc}K${line}\r\n`
    return shown.length > lines.length ? `${text}${esc}J` : text
  }

  const draw = (lines: readonly string[]): void => {
    if (closed) return
    const fitting = cut(lines)
    if (fitting.length === shown.length && fitting.every((line, row) => line === shown[row])) return
    stream.write(begin + (mode === 'full' ? drawFull(fitting) : drawInline(fitting)) + end)
    shown = fitting
  }
  const resize = (): void => {
    if (closed) return
    // A narrower terminal has reflowed the old lines, so redraw everything.
    stream.write(mode === 'full' ? `${esc}2J` : shown.length > 0 ? `\r${esc}${shown.length}A${esc}J` : '')
    shown = []
    onResize()
  }

  /** Restores cursor and screen. Idempotent. */
  const close = (): void => {
    if (closed) return
    closed = true
    stream.off('resize', resize)
    process.off('exit', close)
    process.off('SIGCONT', resize)
    for (const signal of endingSignals) process.off(signal, signalled[signal])
    stream.write(leave[mode])
  }
  const endBy = (signal: NodeJS.Signals) => (): void => {
    close()
    // Our listener suppressed the signal's default effect; without other listeners, restore it.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  const signalled = { SIGINT: endBy('SIGINT'), SIGTERM: endBy('SIGTERM'), SIGHUP: endBy('SIGHUP') }

  stream.write(enter[mode])
  stream.on('resize', resize)
  process.on('exit', close)
  process.on('SIGCONT', resize)
  for (const signal of endingSignals) process.on(signal, signalled[signal])

  return { draw, close }
}

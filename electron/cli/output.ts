// The way out to the terminal: the last filter of a line, and failed writes because the reader went away or the disk is full.
import { messageOf } from '../core/base/error-message.ts'
import { isErrno } from '../core/base/private-file.ts'
import { showControls } from '../wording/visible-text.ts'
import { exitCodes } from './context.ts'

/** The part of a `process` stream used here. */
interface OutputStream {
  on(event: 'error', listener: (error: Error) => void): unknown
}

interface OutputOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream & { write(text: string): unknown }
  readonly exit: (code: number) => void
}

/**
 * `nexus status | head` closes the pipe early: the reader may do that, so EPIPE is not an error. Lost stderr output, in a
 * closed terminal (EIO) or pipe, ends nothing.
 */
export const watchOutput = ({ stdout, stderr, exit }: OutputOptions) => {
  const listeners = new Set<() => void>()
  let failed = false
  stdout.on('error', (error) => {
    const isReadersChoice = isErrno(error, 'EPIPE')
    // Every later line fails as well.
    if (!isReadersChoice && !failed) stderr.write(`nexus: could not write the output: ${messageOf(error)}\n`)
    failed ||= !isReadersChoice
    if (listeners.size === 0) exit(failed ? exitCodes.failed : exitCodes.done)
    for (const listener of listeners) listener()
  })
  stderr.on('error', (error) => {
    if (!isErrno(error, 'EPIPE') && !isErrno(error, 'EIO')) failed = true
  })
  return {
    /**
     * Calls `listener` when stdout can't be written any more, instead of ending the process: for commands that must clean
     * up first. Returns the undo.
     */
    onLost: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** The final exit code of a command that ended with `code`: failed if part of its output was lost. */
    conclude: (code: number) => (failed && code === exitCodes.done ? exitCodes.failed : code),
  }
}

/** The codes that view/text-line.ts and view/plan-view.ts emit. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own codes.
const ownColours = /(\u001b\[(?:0|1|2|3[1-6])m)/

/**
 * Only our own colour codes pass, whatever a line quotes.
 * @param color whether lines contain our colour codes
 */
export const forTerminal = (line: string, color: boolean): string =>
  color
    ? line
        .split(ownColours)
        .map((part, index) => (index % 2 === 1 ? part : showControls(part)))
        .join('')
    : showControls(line)

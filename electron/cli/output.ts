// What is written and cannot be: a reader that went away, or a disk that is full.
import { messageOf } from '../core/base/error-message.ts'
import { isErrno } from '../core/base/private-file.ts'
import { exitCodes } from './context.ts'

/** What is needed of a stream of `process`. */
export interface OutputStream {
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface OutputOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream & { write(text: string): unknown }
  readonly exit: (code: number) => void
}

export interface Output {
  /**
   * Calls `listener` when nothing more can be written to stdout, instead of ending the process: for what has to clean up
   * first. The undo ends that.
   */
  onLost(listener: () => void): () => void
  /** The exit code of a command that ended with `code`: it has failed when what it wrote is not all there. */
  conclude(code: number): number
}

/**
 * `nexus status | head` closes the pipe early: that is the reader's good right, not an error (EPIPE). Words on stderr that
 * nobody can read any more, in a terminal that was closed (EIO) or a pipe, end nothing.
 */
export const watchOutput = ({ stdout, stderr, exit }: OutputOptions): Output => {
  const listeners = new Set<() => void>()
  let failed = false
  stdout.on('error', (error) => {
    const isReadersChoice = isErrno(error, 'EPIPE')
    // Each line that is written after it fails as well.
    if (!isReadersChoice && !failed)
      stderr.write(`nexus: the output could not be written: ${messageOf(error)}\n`)
    failed ||= !isReadersChoice
    if (listeners.size === 0) exit(failed ? exitCodes.failed : exitCodes.done)
    for (const listener of listeners) listener()
  })
  stderr.on('error', (error) => {
    if (!isErrno(error, 'EPIPE') && !isErrno(error, 'EIO')) failed = true
  })
  return {
    onLost: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    conclude: (code) => (failed && code === exitCodes.done ? exitCodes.failed : code),
  }
}

// Where a core tells what went wrong in itself: the log that `nexus logs core` and the window show.
import { closeSync, writeSync } from 'node:fs'
import { showControls } from '../../wording/visible-text.ts'
import { openLogForChild } from './log-file.ts'

/** Never throws: it is how most failures end, and a full disk must not make another one of it. */
export type LogError = (error: Error) => void

/** Synchronously: the stream `process.stderr` reports a failure later, as an event that ends the process. */
const writeLine = (fd: number, { message }: Error): void => {
  try {
    writeSync(fd, `${new Date().toISOString()} ${showControls(message)}\n`)
  } catch {
    // There is no other place to tell it (ENOSPC; EBADF and EPIPE once the reader has gone).
  }
}

const stderrFd = 2

/** For a core whose standard error is that log already. */
export const logToStderr: LogError = (error) => writeLine(stderrFd, error)

/** For the app, whose standard error goes nowhere. */
export const openCoreLog = (path: string): { readonly logError: LogError; close(): void } => {
  const fd = openLogForChild(path)
  let isOpen = true
  return {
    logError: (error) => {
      if (isOpen) writeLine(fd, error)
    },
    close: () => {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

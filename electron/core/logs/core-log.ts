// The core's own error log, shown by `nexus logs core` and the window.
import { closeSync, writeSync } from 'node:fs'
import { showControls } from '../../wording/visible-text.ts'
import { openLogForChild } from './log-file.ts'

/** Never throws: most failures end here, and a full disk must not turn them into new ones. */
export type LogError = (error: Error) => void

/** Writes synchronously: the stream `process.stderr` reports a failure later, by an event that ends the process. */
const writeLine = (fd: number, { message }: Error): void => {
  try {
    writeSync(fd, `${new Date().toISOString()} ${showControls(message)}\n`)
  } catch {
    // There is nowhere else to report it (ENOSPC; EBADF and EPIPE once the reader is gone).
  }
}

const stderrFd = 2

/** For a core whose standard error is already that log. */
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

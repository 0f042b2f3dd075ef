// Where a core tells what went wrong in itself: the log that `nexus logs core` and the window show.
import { closeSync, writeSync } from 'node:fs'
import { openLogForChild } from './logs/log-file.ts'

export type LogError = (error: Error) => void

const lineOf = ({ message }: Error): string => `${new Date().toISOString()} ${message}\n`

/** For a core whose standard error is that log already. */
export const logToStderr: LogError = (error) => {
  process.stderr.write(lineOf(error))
}

/** For a core in the app, whose standard error nobody sees. */
export const openCoreLog = (path: string): { readonly logError: LogError; close(): void } => {
  const fd = openLogForChild(path)
  let isOpen = true
  return {
    // What still ends after the core has let go tells nobody any more.
    logError: (error) => {
      if (isOpen) writeSync(fd, lineOf(error))
    },
    close: () => {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

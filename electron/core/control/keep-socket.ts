// Recreates the core's socket file when it is deleted under a running core (a /tmp cleaner, a stray `rm`).
import { basename, dirname } from 'node:path'
import { watchFolder } from '../base/watch-folder.ts'

export interface KeepSocketOptions {
  readonly path: string
  /** Listens again if the file is gone; else does nothing. */
  readonly restore: () => Promise<void>
  /** Called once for each different reason. */
  readonly onError: (error: unknown) => void
}

/** The folder may be deleted with the file, and the watch with it. */
const lookMs = 5_000

/** Without its socket a core can only be killed: nothing else reaches it (issue 12). Returns the undo. */
export const keepSocket = ({ path, restore, onError }: KeepSocketOptions): (() => void) => {
  let isEnded = false
  let isLooking = false
  let isRung = false
  let told = ''
  const look = async (): Promise<void> => {
    isRung = true
    if (isLooking) return
    isLooking = true
    while (isRung && !isEnded) {
      isRung = false
      try {
        await restore()
        told = ''
      } catch (error) {
        if (String(error) !== told) onError(error)
        told = String(error)
      }
    }
    isLooking = false
  }
  const unwatch = watchFolder(dirname(path), (name) => {
    if (name === null || name === basename(path)) void look()
  })
  const timer = setInterval(() => void look(), lookMs).unref()
  return () => {
    isEnded = true
    unwatch()
    clearInterval(timer)
  }
}

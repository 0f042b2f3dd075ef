// A socket's file that somebody deletes while its core lives: cleaners of /tmp, an `rm` too many. The core makes it anew.
import { basename, dirname } from 'node:path'
import { watchFolder } from '../base/watch-folder.ts'

export interface KeepSocketOptions {
  readonly path: string
  /** Listens anew when the file is not there any more, and does nothing when it is. */
  readonly restore: () => Promise<void>
  /** Told once for each different reason. */
  readonly onError: (error: unknown) => void
}

/** The folder may go with the file, and with it what tells of its changes. */
const lookMs = 5_000

/** Without its socket a core can only be killed: nothing else reaches it (issue 12). The returned function ends this. */
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

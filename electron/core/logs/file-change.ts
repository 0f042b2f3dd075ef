// Reports one change of a file, by a kernel event instead of polling.
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

export interface ArmedChange {
  /** Resolves at the first change after arming, or when disarmed. Never rejects. */
  readonly changed: Promise<void>
  disarm(): void
}

const fallbackMs = 1000

/**
 * Arm first, then look at the file, then await `changed`, so that no change between looking and waiting is missed.
 * One-shot on purpose: under a flood, an open watcher would wake the event loop for every line written.
 * If the kernel has no watch left (inotify(7): ENOSPC at max_user_watches), polls once a second instead.
 */
export const armFileChange = (path: string): ArmedChange => {
  let watcher: FSWatcher | null = null
  let timer: NodeJS.Timeout | null = null
  const { promise, resolve } = Promise.withResolvers<void>()
  const disarm = (): void => {
    watcher?.close()
    watcher = null
    if (timer !== null) clearTimeout(timer)
    timer = null
    resolve()
  }
  const fallBack = (): void => {
    watcher?.close()
    watcher = null
    timer ??= setTimeout(disarm, fallbackMs)
  }
  try {
    // If the file doesn't exist yet, watch its folder.
    watcher = watch(existsSync(path) ? path : dirname(path), disarm)
    watcher.on('error', fallBack)
  } catch {
    fallBack()
  }
  return { changed: promise, disarm }
}

// Waits for changes of a file by kernel events: an idle log costs nothing.
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const fallbackMs = 1000

/**
 * Arm first, then look at the file, then await `changed`, so that no change between looking and waiting is missed.
 * One-shot on purpose: under a flood, an open watcher would wake the event loop for every line written.
 * If the kernel has no watch left (inotify(7): ENOSPC at max_user_watches), polls once a second instead.
 */
export const armFileChange = (path: string, signal: AbortSignal) => {
  let watcher: FSWatcher | null = null
  let timer: NodeJS.Timeout | null = null
  const { promise, resolve } = Promise.withResolvers<void>()
  const disarm = (): void => {
    watcher?.close()
    watcher = null
    if (timer !== null) clearTimeout(timer)
    timer = null
    signal.removeEventListener('abort', disarm)
    resolve()
  }
  signal.addEventListener('abort', disarm)
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
  return {
    /** Resolves at the first change after arming, or when disarmed or aborted. Never rejects. */
    changed: promise,
    disarm,
  }
}

/**
 * Calls `look` now and after changes, never twice at once, with a pause of `restMs` after each, until the returned function is
 * called. `look` says whether it has seen everything; if not, it is called again after the pause. It must not reject.
 */
export const lookAtChanges = (path: string, look: () => Promise<boolean>, restMs: number): (() => void) => {
  const stop = new AbortController()
  const { signal } = stop
  const run = async () => {
    while (!signal.aborted) {
      const armed = armFileChange(path, signal)
      if (await look()) await armed.changed
      armed.disarm()
      // An abort rejects the pause early; the loop's condition then ends the loop.
      await sleep(restMs, undefined, { signal }).catch(() => {})
    }
  }
  void run()
  return () => stop.abort()
}

// Watches a folder by kernel events, or by polling when they aren't available.
import { type FSWatcher, watch as watchFiles } from 'node:fs'

/** @param name of the changed file; null: unknown, or polling */
export type FolderListener = (name: string | null) => void

const pollMs = 1_000

/**
 * Calls `listener` on each change until the returned function is called. Never throws: a watch may fail immediately
 * (inotify(7): ENOSPC) or later (FSEvents: EMFILE, as an `error` event that must be handled); then `listener` is called once
 * a second.
 */
export const watchFolder = (
  dir: string,
  listener: FolderListener,
  watch: (dir: string, listener: (event: string, name: string | null) => void) => FSWatcher = watchFiles,
): (() => void) => {
  let watcher: FSWatcher | null = null
  let timer: NodeJS.Timeout | null = null
  const fallBack = () => {
    watcher?.close()
    watcher = null
    timer ??= setInterval(() => listener(null), pollMs)
  }
  try {
    watcher = watch(dir, (_event, name) => listener(name))
    watcher.on('error', fallBack)
  } catch {
    fallBack()
  }
  return () => {
    watcher?.close()
    if (timer !== null) clearInterval(timer)
  }
}

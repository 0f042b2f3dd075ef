// Tells of the changes in a folder: events of the kernel, or timed looks where it gives none.
import { type FSWatcher, watch as watchFiles } from 'node:fs'

/** @param name of what changed; null: it is not known, or there is only a look to be taken */
export type FolderListener = (name: string | null) => void

const lookMs = 1_000

/**
 * Calls `listener` at each change until the returned function is called. Never throws: a watch may be refused at once
 * (inotify(7): ENOSPC) or later (FSEvents: EMFILE, as an event that nobody may leave unheard), and then it is called
 * once a second.
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
    timer ??= setInterval(() => listener(null), lookMs)
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

// Caches a program's answer until its file changes (path, time or size): an update replaces the file.
import { stat } from 'node:fs/promises'

/** Holds one file at a time; concurrent calls share the same read. */
export const rememberPerFile = <T>(
  read: (path: string) => Promise<T>,
  /** Whether to cache this answer. */
  isLasting: (answer: T) => boolean,
) => {
  let cached: { readonly key: string; readonly reading: Promise<T> } | null = null
  return async (path: string): Promise<T> => {
    const file = await stat(path).catch(() => null)
    if (file === null) return read(path)
    const key = `${path}\0${file.mtimeMs}\0${file.size}`
    if (cached?.key === key) return cached.reading
    const reading = read(path)
    cached = { key, reading }
    const answer = await reading
    if (!isLasting(answer) && cached?.key === key) cached = null
    return answer
  }
}

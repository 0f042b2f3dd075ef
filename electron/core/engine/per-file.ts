// Remembers what a program said of itself until its file changes: updates replace it, so path, time and size tell.
import { stat } from 'node:fs/promises'

export interface PerFileReading<T> {
  readonly read: (path: string) => Promise<T>
  /** Where there is no such file. */
  readonly readMissing: (path: string) => Promise<T>
  /** Whether an answer stays for as long as the file does. */
  readonly isLasting: (answer: T) => boolean
}

/** Of one file at a time; whoever asks while it is being read waits for the same answer. */
export const rememberPerFile = <T>({ read, readMissing, isLasting }: PerFileReading<T>) => {
  let cached: { readonly key: string; readonly reading: Promise<T> } | null = null
  return async (path: string): Promise<T> => {
    const file = await stat(path).catch(() => null)
    if (file === null) return readMissing(path)
    const key = `${path}\0${file.mtimeMs}\0${file.size}`
    if (cached?.key === key) return cached.reading
    const reading = read(path)
    cached = { key, reading }
    const answer = await reading
    if (!isLasting(answer) && cached?.key === key) cached = null
    return answer
  }
}

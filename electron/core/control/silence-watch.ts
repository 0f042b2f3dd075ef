// Notices that a core in another process has fallen silent: stopped, stuck or swapped out, its connection does not end.

export interface SilenceWatchOptions {
  /** How long a silence may be now, in ms. */
  readonly patienceMs: () => number
  /** Whether it answers when it is asked. */
  readonly ask: () => Promise<boolean>
  readonly onSilent: () => void
}

export interface SilenceWatch {
  /** It has said something. */
  heard(): void
  stop(): void
}

/** Begins with the first word that is heard. */
export const createSilenceWatch = ({ patienceMs, ask, onSilent }: SilenceWatchOptions): SilenceWatch => {
  let timer: NodeJS.Timeout | null = null
  let isOver = false

  const heard = () => {
    if (timer !== null) clearTimeout(timer)
    if (!isOver) timer = setTimeout(() => void check(), patienceMs())
  }
  const check = async (): Promise<void> => {
    const answers = await ask()
    if (isOver) return
    if (answers) heard()
    else onSilent()
  }
  return {
    heard,
    stop: () => {
      isOver = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}

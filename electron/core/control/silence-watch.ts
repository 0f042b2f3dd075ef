// Detects a silent core in another process: a stopped, stuck or swapped-out one doesn't close its connection.

export interface SilenceWatchOptions {
  /** The longest silence allowed now, in ms. */
  readonly patienceMs: () => number
  /** Whether the core answers a request. */
  readonly ask: () => Promise<boolean>
  readonly onSilent: () => void
}

/** Starts watching at the first `heard`. */
export const createSilenceWatch = ({ patienceMs, ask, onSilent }: SilenceWatchOptions) => {
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
    /** Call when the core has sent something. */
    heard,
    stop: () => {
      isOver = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}

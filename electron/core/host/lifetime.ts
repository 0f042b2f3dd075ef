// How long a core lives: one in the background ends by itself once nothing needs it, any other until it is closed.

export interface Lifetime {
  /** Whether it ends by itself now that nobody keeps it. */
  endsByItself(): boolean
  /** Whether it is about to go, or has gone: then what it shows is of no use any more. */
  isEnding(): boolean
  /** While an app keeps it, a core in the background stays although nothing runs; the undo lets it go. */
  keep(): () => void
  /** A command has stopped everything. */
  allStopped(): void
  end(): void
  /** Ends it in a moment if nothing needs it then: who looks may still want to see how a fetch ended, or start something. */
  endWhenIdle(): void
  /** Settles when a command has stopped everything, or the last app went that kept an idle core. */
  readonly stopped: Promise<void>
}

/** @param isIdle whether nothing runs, moves or is wanted. @param onChange it ends by itself from now on, or no more */
export const createLifetime = (options: {
  readonly background: boolean
  /** A model is being fetched. */
  readonly isFetching: () => boolean
  readonly isIdle: () => boolean
  readonly onChange: () => void
}): Lifetime => {
  let keepers = 0
  let ending = false
  let settle = () => {}
  const stopped = new Promise<void>((resolve) => {
    settle = resolve
  })
  const endsByItself = () => options.background && keepers === 0 && !options.isFetching()

  const endIfIdle = () => {
    if (!endsByItself() || !options.isIdle()) return
    ending = true
    settle()
  }

  const letGo = () => {
    keepers -= 1
    endIfIdle()
    options.onChange()
  }

  return {
    endsByItself,
    isEnding: () => ending,
    keep: () => {
      keepers += 1
      options.onChange()
      let isKept = true
      return () => {
        if (isKept) letGo()
        isKept = false
      }
    },
    allStopped: () => {
      if (keepers > 0 || options.isFetching()) return
      if (options.background) ending = true
      settle()
    },
    end: () => {
      ending = true
    },
    endWhenIdle: () => void setTimeout(endIfIdle, lingerMs).unref(),
    stopped,
  }
}

const lingerMs = 5_000

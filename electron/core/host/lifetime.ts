// How long a core lives: a background core ends by itself once nothing needs it, any other lives until it is closed.

export interface Lifetime {
  /** Whether it would end by itself: in the background, not kept by an app, and not fetching. */
  endsByItself(): boolean
  /** Whether it is ending or has ended, so that its snapshots no longer matter. */
  isEnding(): boolean
  /** Keeps a background core alive for an app although nothing runs. Returns the undo. */
  keep(): () => void
  /** Call when a command has stopped everything. */
  allStopped(): void
  end(): void
  /** Ends it in a moment if it is idle then: a user may still want to see how a fetch ended, or start something. */
  endWhenIdle(): void
  /** Settles when a command has stopped everything, or the last app that kept an idle core is gone. */
  readonly stopped: Promise<void>
}

/** @param isIdle whether nothing runs, moves or is wanted. @param onChange `endsByItself` may have changed */
export const createLifetime = (options: {
  readonly background: boolean
  /** Whether a model is being fetched. */
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

// How long a core lives: a background core ends by itself once nothing needs it, any other lives until it is closed.

/** @param isIdle whether nothing runs, moves or is wanted. @param onChange `endsByItself` may have changed */
export const createLifetime = (options: {
  readonly background: boolean
  /** Whether a model is being fetched. */
  readonly isFetching: () => boolean
  readonly isIdle: () => boolean
  readonly onChange: () => void
}) => {
  let keepers = 0
  let ending = false
  let settle = () => {}
  const stopped = new Promise<void>((resolve) => {
    settle = resolve
  })
  /** Whether it would end by itself: in the background, not kept by an app, and not fetching. */
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
    /** Whether it is ending or has ended, so that its snapshots no longer matter. */
    isEnding: () => ending,
    /** Keeps a background core alive for an app although nothing runs. Returns the undo. */
    keep: (): (() => void) => {
      keepers += 1
      options.onChange()
      let isKept = true
      return () => {
        if (isKept) letGo()
        isKept = false
      }
    },
    /** Call when a command has stopped everything. */
    allStopped: () => {
      if (keepers > 0 || options.isFetching()) return
      if (options.background) ending = true
      settle()
    },
    end: () => {
      ending = true
    },
    /** Ends it in a moment if it is idle then: a user may still want to see how a fetch ended, or start something. */
    endWhenIdle: () => void setTimeout(endIfIdle, lingerMs).unref(),
    /** Settles when a command has stopped everything, or the last app that kept an idle core is gone. */
    stopped,
  }
}

const lingerMs = 5_000

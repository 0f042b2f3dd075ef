// Lets one request through after the other, and not faster than so many a second, whoever sends them.

export interface Turnstile {
  /** Settles when it is this request's turn, in the order of the calls. */
  pass(): Promise<void>
}

/** @param everyMs between two requests that come at once; one that comes later than that passes at once */
export const createTurnstile = (everyMs: number): Turnstile => {
  const waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | null = null
  let passedAtMs = Number.NEGATIVE_INFINITY

  const letOneThrough = () => {
    timer = null
    passedAtMs = performance.now()
    waiting.shift()?.()
    if (waiting.length > 0) timer = setTimeout(letOneThrough, everyMs)
  }

  return {
    pass: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        if (timer !== null) return
        const waitMs = passedAtMs + everyMs - performance.now()
        if (waitMs <= 0) letOneThrough()
        else timer = setTimeout(letOneThrough, waitMs)
      }),
  }
}

// Lets requests through one at a time, at a limited rate for all clients together.

export type Turnstile = ReturnType<typeof createTurnstile>

/** @param everyMs the gap between requests; one that comes later than that passes at once */
export const createTurnstile = (everyMs: number) => {
  const waiting = new Set<{ readonly go: () => void }>()
  let timer: NodeJS.Timeout | null = null
  let passedAtMs = Number.NEGATIVE_INFINITY

  const letOneThrough = () => {
    timer = null
    const [first] = waiting
    if (first === undefined) return
    waiting.delete(first)
    passedAtMs = performance.now()
    if (waiting.size > 0) timer = setTimeout(letOneThrough, everyMs)
    first.go()
  }

  return {
    /** Calls `go` when it is this request's turn, in call order. Returns a function that gives up the place. */
    wait: (go: () => void): (() => void) => {
      const place = { go }
      waiting.add(place)
      const waitMs = passedAtMs + everyMs - performance.now()
      if (timer === null && waitMs <= 0) letOneThrough()
      else timer ??= setTimeout(letOneThrough, waitMs)
      return () => {
        waiting.delete(place)
        if (waiting.size > 0 || timer === null) return
        clearTimeout(timer)
        timer = null
      }
    },
  }
}

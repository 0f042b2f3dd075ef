// Asks the core for data that no snapshot carries, when a view needs it.
import { useCallback, useEffect, useState } from 'react'
import { isSame } from './is-same.ts'

export interface Asked<T> {
  /** null until the first answer; while asking again, the last one. */
  readonly answer: T | null
  /** When the answer came; null until then. */
  readonly answeredAt: number | null
  /** Why there is no new answer; null when there is one or it is pending. */
  readonly failure: string | null
  readonly pending: boolean
  again(): void
}

/**
 * `ask` must be a stable function. Asks again when `occasion` changes, by `again`, and when the window is shown again: a
 * closed window is only hidden, and an answer that is hours old would look new. Drops answers that a later question has
 * overtaken.
 */
export const useAnswer = <T>(ask: () => Promise<T>, occasion: string | number = ''): Asked<T> => {
  const [attempt, setAttempt] = useState(0)
  const [answer, setAnswer] = useState<T | null>(null)
  const [answeredAt, setAnsweredAt] = useState<number | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const [answered, setAnswered] = useState<string | null>(null)
  const question = `${attempt} ${occasion}`
  useEffect(() => {
    let overtaken = false
    const settle = (reason: string | null) => {
      setFailure(reason)
      setAnswered(question)
    }
    ask().then(
      (given) => {
        if (overtaken) return
        // An equal answer must not render anything again.
        setAnswer((before) => (isSame(before, given) ? before : given))
        setAnsweredAt(Date.now())
        settle(null)
      },
      (error: unknown) => {
        if (!overtaken) settle(error instanceof Error ? error.message : String(error))
      },
    )
    return () => {
      overtaken = true
    }
  }, [ask, question])
  const again = useCallback(() => setAttempt((before) => before + 1), [])
  useEffect(() => {
    const askWhenShown = () => {
      if (document.visibilityState === 'visible') again()
    }
    document.addEventListener('visibilitychange', askWhenShown)
    return () => document.removeEventListener('visibilitychange', askWhenShown)
  }, [again])
  return { answer, answeredAt, failure, pending: answered !== question, again }
}

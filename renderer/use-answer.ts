// Asking the core what no snapshot carries, when somebody looks.
import { useCallback, useEffect, useState } from 'react'
import { isSame } from './is-same.ts'

export interface Asked<T> {
  /** null until it is answered; the last answer while it is asked again. */
  readonly answer: T | null
  /** When the answer came; null until then. */
  readonly answeredAt: number | null
  /** Why there is no new answer; null when there is or it is still awaited. */
  readonly failure: string | null
  readonly pending: boolean
  again(): void
}

/**
 * `ask` must stay the same function between renders. It is asked anew whenever `occasion` changes, by `again`, and
 * when the window is shown again: it is only hidden, and hours later an answer would still look like a new one. An answer
 * that a later question has overtaken is dropped.
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
        // One that says the same changes nothing in the page.
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

// Asking the core what no snapshot carries, when somebody looks.
import { useCallback, useEffect, useState } from 'react'

export interface Asked<T> {
  /** null until it is answered; the last answer while it is asked again. */
  readonly answer: T | null
  /** Why there is no new answer; null when there is or it is still awaited. */
  readonly failure: string | null
  readonly pending: boolean
  again(): void
}

/**
 * `ask` must stay the same function between renders. It is asked anew whenever `occasion` changes, and by `again`; an
 * answer that a later question has overtaken is dropped.
 */
export const useAnswer = <T>(ask: () => Promise<T>, occasion: string | number = ''): Asked<T> => {
  const [attempt, setAttempt] = useState(0)
  const [answer, setAnswer] = useState<T | null>(null)
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
        setAnswer(given)
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
  return { answer, failure, pending: answered !== question, again }
}

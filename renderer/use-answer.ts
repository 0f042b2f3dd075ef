// Asks the core for data that no snapshot carries, when a view needs it: the questions, and the hook that asks them.
import { useCallback, useEffect, useState } from 'react'
import type { Bridge } from '../electron/contract/app.ts'
import type { Answers } from '../electron/contract/question.ts'
import type { LogId } from '../electron/contract/service-ids.ts'
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

declare global {
  interface Window {
    /** The window's only API, from the preload script. */
    readonly nexus: Bridge
  }
}

// One stable function for each question, as `useAnswer` needs it.
export const askPlan = (): Promise<Answers['plan']> => window.nexus.ask<'plan'>({ type: 'plan' })
export const askClients = (): Promise<Answers['clients']> => window.nexus.ask<'clients'>({ type: 'clients' })
export const askSettings = (): Promise<Answers['settings']> =>
  window.nexus.ask<'settings'>({ type: 'settings' })
export const askLogTail = (log: LogId, lines: number): Promise<Answers['logTail']> =>
  window.nexus.ask<'logTail'>({ type: 'logTail', log, lines })
export const askDoctor = (): Promise<Answers['doctor']> => window.nexus.ask<'doctor'>({ type: 'doctor' })
export const askModels = (): Promise<Answers['models']> => window.nexus.ask<'models'>({ type: 'models' })

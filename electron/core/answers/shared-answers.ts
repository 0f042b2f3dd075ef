// Shares expensive answers among identical queries.
import type { Query } from '../../contract/question.ts'

export type AnswerQuery = (query: Query) => Promise<unknown>

export interface SharingOptions {
  /** How long to reuse an answer or a failure, in ms. 0: only while it is being computed. */
  readonly keepMs: number
}

interface SharedAnswer {
  readonly answer: Promise<unknown>
  /** On the clock of `performance`; null: still being computed. */
  untilMs: number | null
}

/**
 * Merges identical queries in flight (issue 12). The contract limits how many distinct queries exist, and so the work: many
 * clients asking for the plan cost as much as one.
 */
export const shareAnswers = (answer: AnswerQuery, { keepMs }: SharingOptions): AnswerQuery => {
  const known = new Map<string, SharedAnswer>()

  return (query) => {
    const name = JSON.stringify(query)
    const last = known.get(name)
    if (last !== undefined && (last.untilMs === null || performance.now() < last.untilMs)) return last.answer
    const next: SharedAnswer = { answer: answer(query), untilMs: null }
    known.set(name, next)
    const settle = () => {
      if (keepMs > 0) next.untilMs = performance.now() + keepMs
      else known.delete(name)
    }
    next.answer.then(settle, settle)
    return next.answer
  }
}

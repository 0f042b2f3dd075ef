// Answers that cost seconds and programs, given to everyone who asks the same meanwhile.
import type { Query } from '../../contract/question.ts'

export type AnswerQuery = (query: Query) => Promise<unknown>

export interface SharingOptions {
  /** How long an answer, or a failure, is given again without new work, in ms. 0: only while it is worked on. */
  readonly keepMs: number
}

interface SharedAnswer {
  readonly answer: Promise<unknown>
  /** On the clock of `performance`; null: it is worked on. */
  untilMs: number | null
}

/**
 * Equal questions in flight are one (issue 12). The contract bounds how many different ones there are, and with that the
 * work: many clients that ask for the plan cost what one costs.
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

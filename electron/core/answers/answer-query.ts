// Answers queries, and shares the answers among identical ones. Heavy modules are loaded on first use.
import { homedir } from 'node:os'
import type { Answers, DoctorAnswer, Query } from '../../contract/question.ts'
import { within } from '../base/first-of.ts'
import { type Ask, isAnswerTo } from '../control/core-link.ts'
import { maxLineBytes } from '../control/protocol.ts'
import { readLastLines } from '../logs/log-follow.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import type { AnswerContext } from './answer-context.ts'

/** A Mac's first system_profiler may take seconds: the settings don't wait, and the next query has the result. */
const machineMs = 1_000

const readMachine = async ({ platform }: AnswerContext): Promise<string | null> =>
  (await import('../platform/machine-identity.ts')).readMachineLine(await platform.readTotalMemoryBytes())

const answerDoctor = async (context: AnswerContext): Promise<DoctorAnswer> => {
  const { examine } = await import('../doctor/doctor.ts')
  const { profile, because, checks } = await examine({
    ...context,
    homeDir: homedir(),
    run: createCommandRunner(),
    requestedProfile: null,
  })
  return { profile, because, checks: [...checks] }
}

const answerQuery = async (query: Query, context: AnswerContext): Promise<Answers[Query['type']]> => {
  switch (query.type) {
    case 'plan':
      return (await import('./plan-answer.ts')).answerPlan(context)
    case 'doctor':
      return answerDoctor(context)
    case 'models':
      return (await import('./models-answer.ts')).answerModels(
        context,
        await within(readMachine(context), machineMs),
      )
    case 'clients':
      return (await import('./clients-answer.ts')).answerClients(context)
    case 'settings':
      return {
        ...context.settings.answer(context.running()),
        machine: await within(readMachine(context), machineMs),
      }
    case 'logTail':
      return readLogTail(context.folder.logPath(query.log), query.lines)
  }
}

/** Plans read model headers and the doctor runs programs: guests must not trigger them continuously. */
const keptForGuestsMs = 30_000

/** `askForGuest` gives the same answers, up to half a minute old. */
export const createAsks = (context: AnswerContext) => {
  const answer = shareAnswers((query) => answerQuery(query, context), { keepMs: 0 })
  return { ask: checked(answer), askForGuest: checked(shareAnswers(answer, { keepMs: keptForGuestsMs })) }
}

/** Checks answers here, because a violation of the contract is the core's bug, not the window's. */
const checked =
  (answerAny: AnswerQuery): Ask =>
  async (query) => {
    const asked: Query = query
    const answer = await answerAny(asked)
    if (!isAnswerTo(query, answer)) throw new Error(`the answer to "${asked.type}" violates the contract`)
    return answer
  }

/** For the end of a log: leaves room for the rest of the message. */
const maxAnswerBytes = maxLineBytes - 4_096

/** Keeps the newest lines if they don't all fit. A log that does not exist yet has no lines. */
export const readLogTail = async (path: string, lines: number): Promise<readonly string[]> =>
  keepNewest(await readLastLines(path, lines), maxAnswerBytes)

export const keepNewest = (lines: readonly string[], maxBytes: number): readonly string[] => {
  let left = maxBytes
  let first = lines.length
  while (first > 0) {
    left -= Buffer.byteLength(JSON.stringify(lines[first - 1])) + 1
    if (left < 0) break
    first -= 1
  }
  return lines.slice(first)
}

type AnswerQuery = (query: Query) => Promise<unknown>

interface SharedAnswer {
  readonly answer: Promise<unknown>
  /** On the clock of `performance`; null: still being computed. */
  untilMs: number | null
}

/**
 * Merges identical queries in flight (issue 12). The contract limits how many distinct queries exist, and so the work: many
 * clients asking for the plan cost as much as one.
 * @param keepMs how long to reuse an answer or a failure; 0: only while it is being computed
 */
export const shareAnswers = (answer: AnswerQuery, { keepMs }: { readonly keepMs: number }): AnswerQuery => {
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

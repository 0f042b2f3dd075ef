// Answers queries. Heavy modules are loaded on first use.
import { homedir } from 'node:os'
import type { Answers, DoctorAnswer, Query } from '../../contract/question.ts'
import { within } from '../base/first-of.ts'
import type { Ask } from '../control/core-link.ts'
import { isAnswerTo } from '../control/core-link.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import type { AnswerContext } from './answer-context.ts'
import { readLogTail } from './log-tail-answer.ts'
import { type AnswerQuery, shareAnswers } from './shared-answers.ts'

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

export interface Asks {
  readonly ask: Ask
  /** The same answers, up to half a minute old. */
  readonly askForGuest: Ask
}

export const createAsks = (context: AnswerContext): Asks => {
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

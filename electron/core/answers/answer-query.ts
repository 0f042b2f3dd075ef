// From a question to what answers it. What is heavy is loaded when somebody first asks.
import type { Answers, Query } from '../../contract/question.ts'
import { within } from '../base/deadline.ts'
import type { ChosenProfile } from '../config/profiles.ts'
import type { Settings } from '../config/settings.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Ask } from '../control/core-link.ts'
import { isAnswerTo } from '../control/core-link.ts'
import type { Platform } from '../platform/platform.ts'
import { readLogTail } from './log-tail-answer.ts'
import { type AnswerQuery, shareAnswers } from './shared-answers.ts'

export interface AnswerContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly settings: Settings
  /** The profile of what runs, with why it is looked at; null when nothing runs. */
  readonly running: () => ChosenProfile | null
}

/** A Mac's system_profiler may take seconds, once: the settings don't wait for it, and the next look has it. */
const machineMs = 1_000

const readMachine = async ({ platform }: AnswerContext): Promise<string | null> =>
  (await import('../platform/machine-identity.ts')).readMachineLine(await platform.readTotalMemoryBytes())

const answerQuery = async (query: Query, context: AnswerContext): Promise<Answers[Query['type']]> => {
  switch (query.type) {
    case 'plan':
      return (await import('./plan-answer.ts')).answerPlan(context)
    case 'doctor':
      return (await import('./doctor-answer.ts')).answerDoctor(context)
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

/** A plan reads model headers and a doctor runs programs: guests cannot have the core do so without pause. */
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

/** Checked before it is given away: what does not keep to the contract is our mistake, not the window's. */
const checked =
  (answerAny: AnswerQuery): Ask =>
  async (query) => {
    const asked: Query = query
    const answer = await answerAny(asked)
    if (!isAnswerTo(query, answer))
      throw new Error(`the answer to "${asked.type}" does not keep to the contract`)
    return answer
  }

// The doctor's report for a window.
import { homedir } from 'node:os'
import type { DoctorAnswer } from '../../contract/question.ts'
import { examine } from '../doctor/doctor.ts'
import { createCommandRunner } from '../platform/run-command.ts'
import type { AnswerContext } from './answer-context.ts'

export const answerDoctor = async (
  context: Pick<AnswerContext, 'folder' | 'platform' | 'resourcesDir' | 'env'>,
): Promise<DoctorAnswer> => {
  const { profile, because, checks } = await examine({
    ...context,
    homeDir: homedir(),
    run: createCommandRunner(),
    requestedProfile: null,
  })
  return { profile, because, checks: [...checks] }
}

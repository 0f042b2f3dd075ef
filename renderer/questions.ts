// The views' questions to the core, one stable function each for `useAnswer`.
import type { Answers } from '../electron/contract/question.ts'
import type { LogId } from '../electron/contract/service-ids.ts'
import { nexus } from './bridge.ts'

export const askPlan = (): Promise<Answers['plan']> => nexus().ask<'plan'>({ type: 'plan' })
export const askClients = (): Promise<Answers['clients']> => nexus().ask<'clients'>({ type: 'clients' })
export const askSettings = (): Promise<Answers['settings']> => nexus().ask<'settings'>({ type: 'settings' })
export const askLogTail = (log: LogId, lines: number): Promise<Answers['logTail']> =>
  nexus().ask<'logTail'>({ type: 'logTail', log, lines })
export const askDoctor = (): Promise<Answers['doctor']> => nexus().ask<'doctor'>({ type: 'doctor' })
export const askModels = (): Promise<Answers['models']> => nexus().ask<'models'>({ type: 'models' })

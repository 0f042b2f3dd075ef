// The views' questions to the core, one stable function each for `useAnswer`.
import type { Bridge } from '../electron/contract/app.ts'
import type { Answers } from '../electron/contract/question.ts'
import type { LogId } from '../electron/contract/service-ids.ts'

declare global {
  interface Window {
    /** The window's only API, from the preload script. */
    readonly nexus: Bridge
  }
}

export const askPlan = (): Promise<Answers['plan']> => window.nexus.ask<'plan'>({ type: 'plan' })
export const askClients = (): Promise<Answers['clients']> => window.nexus.ask<'clients'>({ type: 'clients' })
export const askSettings = (): Promise<Answers['settings']> =>
  window.nexus.ask<'settings'>({ type: 'settings' })
export const askLogTail = (log: LogId, lines: number): Promise<Answers['logTail']> =>
  window.nexus.ask<'logTail'>({ type: 'logTail', log, lines })
export const askDoctor = (): Promise<Answers['doctor']> => window.nexus.ask<'doctor'>({ type: 'doctor' })
export const askModels = (): Promise<Answers['models']> => window.nexus.ask<'models'>({ type: 'models' })

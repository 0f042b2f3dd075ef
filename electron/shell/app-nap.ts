// Keeps macOS from putting the app to sleep while it hosts a core with services: timers would then fire every few seconds.
import type { AppState } from '../contract.ts'
import { servicesRun } from './stop-everything.ts'

/** Of Electron's powerSaveBlocker what is needed here. */
export interface SuspensionBlocker {
  start(type: 'prevent-app-suspension'): number
  stop(id: number): unknown
}

/**
 * An app without a visible window naps, unless it has taken a power assertion (Apple, Energy Efficiency Guide for Mac Apps,
 * "App Nap"); Electron's `prevent-app-suspension` takes one. It also keeps the system awake, which caffeinate does for as
 * long as the services run anyway.
 */
export const createNapGuard = (blocker: SuspensionBlocker): ((state: AppState) => void) => {
  let id: number | null = null
  return (state) => {
    const isNeeded = state.link.kind === 'hosting' && servicesRun(state)
    if (isNeeded && id === null) id = blocker.start('prevent-app-suspension')
    if (!isNeeded && id !== null) {
      blocker.stop(id)
      id = null
    }
  }
}

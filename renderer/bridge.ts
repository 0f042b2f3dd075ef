// The window's only API: the bridge of the preload script.
import type { Bridge } from '../electron/contract/app.ts'

declare global {
  interface Window {
    readonly nexus: Bridge
  }
}

export const nexus = (): Bridge => window.nexus

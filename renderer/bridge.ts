// What the preload script lets the window do, and nothing else.
import type { Bridge } from '../electron/contract/app.ts'

declare global {
  interface Window {
    readonly nexus: Bridge
  }
}

export const nexus = (): Bridge => window.nexus

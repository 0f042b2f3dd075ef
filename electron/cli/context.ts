// What every command of `nexus` works with.

import type { StateFolder } from '../core/config/state-folder.ts'
import type { Platform } from '../core/platform/platform.ts'

export interface CliContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The bundle that runs now, started again for a background core. */
  readonly entryPath: string
  /** Colour, spinners and redrawing only where a person looks. */
  readonly stdoutIsTerminal: boolean
  readonly color: boolean
  readonly width: number
  print(line: string): void
  printError(line: string): void
  /** For what has to clean up when nobody reads stdout any more (output.ts). */
  onOutputLost(listener: () => void): () => void
}

export const exitCodes = { done: 0, failed: 1, usage: 2, notRunning: 3 } as const

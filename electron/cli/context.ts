// The context of every `nexus` command.

import type { StateFolder } from '../core/config/state-folder.ts'
import type { Platform } from '../core/platform/platform.ts'

export interface CliContext {
  readonly folder: StateFolder
  readonly platform: Platform
  readonly resourcesDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The running bundle, which also starts a background core. */
  readonly entryPath: string
  /** Colour, spinners and redrawing only on a terminal. */
  readonly stdoutIsTerminal: boolean
  readonly color: boolean
  readonly width: number
  print(line: string): void
  printError(line: string): void
  /** Registers cleanup for when stdout can't be written any more (output.ts). */
  onOutputLost(listener: () => void): () => void
}

/** The variables that locate our folders (core/config/state-folder.ts). */
export const folderVariables = ['NEXUS_HOME', 'NEXUS_RUNTIME', 'NEXUS_SHARED', 'NEXUS_MODELS'] as const

export const exitCodes = { done: 0, failed: 1, usage: 2, notRunning: 3 } as const

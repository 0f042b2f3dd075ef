// The context of every `nexus` command, and how a command answers: one JSON document with --json, else lines for people.
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

/** Returns the exit code of success. */
export const printAnswer = (
  { print }: Pick<CliContext, 'print'>,
  json: boolean,
  document: unknown,
  lines: readonly string[],
): number => {
  if (json) print(JSON.stringify(document, null, 2))
  else for (const line of lines) print(line)
  return exitCodes.done
}

/** With --json, run-command.ts also prints the reason as a document. */
export const fail = (
  { printError }: Pick<CliContext, 'printError'>,
  reason: string,
  code: number = exitCodes.failed,
): number => {
  printError(reason)
  return code
}

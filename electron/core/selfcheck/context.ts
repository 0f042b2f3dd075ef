// The input of all probes, including everything that tests must replace.
import type { Snapshot } from '../../contract/snapshot.ts'
import type { AutostartSpec } from '../autostart/autostart.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'

export interface SelfcheckContext {
  readonly platformId: 'darwin' | 'linux'
  /** Builds the provider on a runner that records the output of commands. */
  readonly createPlatform: (run: RunCommand) => Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly uid: number
  /** The Node of this process. */
  readonly nodePath: string
  readonly resourcesDir: string
  readonly runtimeDir: string
  /** Only for this run; removed at its end. */
  readonly workDir: string
  /** The unit that `nexus service install` would write. */
  readonly service: AutostartSpec
  /** Installs what the demo stack needs. */
  readonly ensureSetUp: (signal: AbortSignal) => Promise<void>
  /** Starts the demo stack with its own state folder and ports. */
  readonly openStack: (signal: AbortSignal) => Promise<PrivateStack>
  /** The bundle of the installed or running app; null: none. */
  readonly appPath: string | null
  /** How much --large writes to a RAM disk; null: without --large. */
  readonly largeBytes: number | null
}

export interface PrivateStack {
  readonly folder: StateFolder
  /** When ready and proved. */
  readonly snapshot: Snapshot
  /** Stops and removes everything; null, or what remains and how to stop it. */
  end(): Promise<string | null>
}

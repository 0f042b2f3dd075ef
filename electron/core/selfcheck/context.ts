// What all probes work with. Everything that a test has to replace is here.
import type { Snapshot } from '../../contract/snapshot.ts'
import type { AutostartSpec } from '../autostart/autostart.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { CoreLink } from '../control/core-link.ts'
import type { Platform } from '../platform/platform.ts'
import type { RunCommand } from '../platform/run-command.ts'

export interface SelfcheckContext {
  readonly platformId: 'darwin' | 'linux'
  /** The provider on top of a runner that keeps what commands print. */
  readonly createPlatform: (run: RunCommand) => Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly uid: number
  /** The Node that runs this. */
  readonly nodePath: string
  readonly resourcesDir: string
  readonly runtimeDir: string
  /** Private to this run, and removed at its end. */
  readonly workDir: string
  /** What `nexus service install` would write. */
  readonly service: AutostartSpec
  /** Installs what the demo stack needs and is missing. */
  readonly ensureSetUp: (signal: AbortSignal) => Promise<void>
  /** The demo stack in a state folder and on ports of its own. */
  readonly openStack: (signal: AbortSignal) => Promise<PrivateStack>
  /** An installed or running app's bundle; null: none. */
  readonly appPath: string | null
  /** Written to a RAM disk by --large; null: not wanted. */
  readonly largeBytes: number | null
}

export interface PrivateStack {
  readonly folder: StateFolder
  /** Ready and proved. */
  readonly snapshot: Snapshot
  readonly client: Pick<CoreLink, 'readSnapshot'>
  /** Stops and removes all of it; null, or what is left and how to stop it. */
  end(): Promise<string | null>
}

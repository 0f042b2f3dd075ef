// The interface behind `nexus service`: a core that the operating system starts.
import type { LaunchdJobSpec } from '../platform/launchd/plist.ts'

/** `argv` is `nexus serve`, `logPath` for the core's output. */
export type AutostartSpec = Pick<LaunchdJobSpec, 'argv' | 'env' | 'logPath'>

export type InstallOutcome =
  | {
      readonly kind: 'installed'
      /** True if the same service was installed before. */
      readonly already: boolean
      readonly unitPath: string
      /** Information and commands for the user, one per entry. */
      readonly notes: readonly string[]
    }
  /** Installed for the next login, but cannot start in this session. */
  | {
      readonly kind: 'written'
      readonly reason: string
      readonly unitPath: string
      readonly notes: readonly string[]
    }
  | { readonly kind: 'failed'; readonly reason: string }

export type UninstallOutcome =
  | {
      readonly kind: 'removed'
      /** Information for the user, a line per entry. */
      readonly notes: readonly string[]
    }
  | { readonly kind: 'not-installed' }
  | { readonly kind: 'failed'; readonly reason: string }

export interface AutostartState {
  readonly installed: boolean
  /** The path of its file, installed or not. */
  readonly unitPath: string
  /** The service manager knows it; null when unknown, and `reason` says why. */
  readonly loaded: boolean | null
  readonly running: boolean | null
  readonly pid: number | null
  /** How it last ended, in the service manager's words; null when never or unknown. */
  readonly lastExit: string | null
  readonly reason: string | null
}

export interface Autostart {
  /** Idempotent; replaces a different installation. Never touches the servers. */
  install(spec: AutostartSpec): Promise<InstallOutcome>
  uninstall(): Promise<UninstallOutcome>
  read(): Promise<AutostartState>
}

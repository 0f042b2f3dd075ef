// What `nexus service` works with: a core that the system starts, whichever system that is.

export interface AutostartSpec {
  /** `nexus` by its absolute path, and its words; no shell. */
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  /** Where the core's own output goes. */
  readonly logPath: string
}

export type InstallOutcome =
  | {
      readonly kind: 'installed'
      /** True when it was there just so before. */
      readonly already: boolean
      readonly unitPath: string
      /** What the user has to know or may do, each a line or a command. */
      readonly notes: readonly string[]
    }
  /** In place for the next login, but nothing can be started in this session. */
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
      /** What the user has to know, each a line. */
      readonly notes: readonly string[]
    }
  | { readonly kind: 'not-installed' }
  | { readonly kind: 'failed'; readonly reason: string }

export interface AutostartState {
  readonly installed: boolean
  /** Where its file is, or would be. */
  readonly unitPath: string
  /** The service manager knows it; null when unknown, and `reason` says why. */
  readonly loaded: boolean | null
  readonly running: boolean | null
  readonly pid: number | null
  /** How it last ended, in the manager's own words; null when it never did or that is not known. */
  readonly lastExit: string | null
  readonly reason: string | null
}

export interface Autostart {
  /** Idempotent; replaces an installation that differs. Never touches the services themselves. */
  install(spec: AutostartSpec): Promise<InstallOutcome>
  uninstall(): Promise<UninstallOutcome>
  read(): Promise<AutostartState>
}

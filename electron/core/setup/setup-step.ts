// What each set-up step gets, and the progress that it reports.

export type SetupStepId =
  | 'litellm'
  | 'llama-server'
  | 'demo-model'
  | 'sliding-window-model'
  | 'claude-code'
  | 'traefik'
  | 'test-tools'

export interface SetupProgress {
  readonly step: SetupStepId
  readonly message: string
  /** Units done of `total` (packages, part files); both absent when the step can't count. */
  readonly done?: number
  readonly total?: number
}

export interface SetupContext {
  /** Where everything is installed; may be shared by several state folders. */
  readonly runtimeDir: string
  /** The folder with the hash-locked requirements. */
  readonly resourcesDir: string
  readonly report: (progress: SetupProgress) => void
  readonly signal: AbortSignal
}

/** One line for a terminal or a first-run page. */
export const describeProgress = (progress: Omit<SetupProgress, 'step'>): string =>
  progress.done === undefined || progress.total === undefined
    ? progress.message
    : `${progress.message} (${progress.done} of ${progress.total})`

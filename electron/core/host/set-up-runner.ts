// Set-up in the core's process: what is missing, and one installation at a time with its progress.
import type { Profile } from '../../contract/profile.ts'
import type { SetUpState } from '../../contract/snapshot.ts'
import { messageOf } from '../base/error-message.ts'

export type SetUpRunner = ReturnType<typeof createSetUpRunner>

interface Progress {
  readonly message: string
  readonly done?: number
  readonly total?: number
}

export type SetUpWork = ReturnType<typeof setUpWork>

/** Loaded on first use. */
export const setUpWork = (place: { readonly runtimeDir: string; readonly resourcesDir: string }) => ({
  readMissing: async (profile: Profile): Promise<SetUpState['missing']> =>
    (await import('../setup/set-up.ts')).readMissing(profile, place),
  install: async (
    profile: Profile,
    report: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<void> => (await import('../setup/set-up.ts')).ensureSetUp(profile, { ...place, report, signal }),
})

export const createSetUpRunner = (work: SetUpWork, onChange: () => void) => {
  let missing: SetUpState['missing'] = []
  let running: SetUpState['running'] = null
  let failure: string | null = null
  let attempt: AbortController | null = null

  const look = async (profile: Profile): Promise<void> => {
    const found = await work.readMissing(profile).catch(() => null)
    // A failed check doesn't mean that something is missing.
    if (found === null) return
    missing = found
    onChange()
  }

  const report = ({ message, done, total }: Progress) => {
    running = { message, done: done ?? null, total: total ?? null }
    onChange()
  }

  return {
    /** null when everything that the profile needs is installed. */
    state: (): SetUpState | null =>
      missing.length === 0 && running === null && failure === null ? null : { missing, running, failure },
    /** Checks again what a profile lacks: at the core's start, and when another profile is taken. */
    look: async (profile: Profile): Promise<void> => {
      await look(profile)
      if (missing.length === 0 && failure !== null) {
        failure = null
        onChange()
      }
    },
    /**
     * Installs what is missing, then runs `then`, which returns its failure or null; set-up counts as running until then.
     * True when all was installed; false when that failed, was cancelled, or is already under way: the state says why.
     */
    run: async (
      profile: Profile,
      then: (signal: AbortSignal) => Promise<string | null> = async () => null,
    ): Promise<boolean> => {
      if (attempt !== null) return false
      const mine = new AbortController()
      attempt = mine
      failure = null
      report({ message: 'Checking what is missing' })
      try {
        await work.install(profile, report, mine.signal)
        if (mine.signal.aborted) return false
        failure = await then(mine.signal)
        return true
      } catch (error) {
        if (!mine.signal.aborted) failure = messageOf(error)
        return false
      } finally {
        attempt = null
        running = null
        await look(profile)
        onChange()
      }
    },
    /** Cancels the installation; the next one resumes where it stopped. */
    cancel: (): void =>
      attempt?.abort(new Error('set-up was cancelled; the next one resumes where it stopped')),
  }
}

// Starts, ends and unloads launchd jobs by label, with launchctl. Never run on a Mac: tested with an imitation
// (platform/test-support/mac-launchd.ts).
import type { CommandResult, RunCommand } from '../run-command.ts'
import { explainLaunchctl, type LaunchctlAnswer, nameLaunchctlAnswer, noSession } from './exit-codes.ts'
import type { LaunchdJobSpec } from './plist.ts'
import type { LaunchdJob } from './print-text.ts'
import { createLaunchdReading, type JobReading, type LaunchdDomain, type LoadedJob } from './reading.ts'

export type StartOutcome =
  /** `already`: it was running before. */
  | { readonly kind: 'runs'; readonly domain: LaunchdDomain; readonly pid: number; readonly already: boolean }
  /** It was started but has ended since. */
  | { readonly kind: 'ended'; readonly domain: LaunchdDomain; readonly lastExit: string | null }
  /** None of the domains that it may be loaded into exists. */
  | { readonly kind: 'no-domain'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

export interface StartRequest {
  readonly spec: LaunchdJobSpec
  /** Already written, and writable only by its owner, which launchd checks. */
  readonly plistPath: string
  /**
   * Whether a job of this label that was loaded with another command line may be unloaded first. Not while servers that it
   * started run: reports differ on whether they survive that (hermes#79868, #80491).
   */
  readonly mayUnload: boolean
  /** The domains to load it into, best first; absent: gui/UID, else user/UID. */
  readonly domains?: readonly LaunchdDomain[]
}

export type Launchd = ReturnType<typeof createLaunchd>

export interface LaunchdOptions {
  readonly run: RunCommand
  readonly uid: number
  readonly pollMs?: number
  readonly patience?: LaunchdPatience
}

export interface LaunchdPatience {
  /** How long to wait for RunAtLoad before asking for a process. */
  readonly runAtLoadMs: number
  /** How long a loaded job may take to get a process. */
  readonly startMs: number
  /** How long its process must live to count: a program that can't run ends within a moment. */
  readonly settleMs: number
  /** How long a job may take to end and free its label: launchd kills it after its ExitTimeOut. */
  readonly drainMs: number
  /** How long to retry a refused bootstrap, whose label may still be taken: 5 s measured (headroom#1289). */
  readonly refusedMs: number
}

const usualPatience: LaunchdPatience = {
  runAtLoadMs: 1_000,
  startMs: 10_000,
  settleMs: 300,
  drainMs: 30_000,
  refusedMs: 10_000,
}

export const createLaunchd = ({ run, uid, pollMs = 200, patience = usualPatience }: LaunchdOptions) => {
  const { launchctl, read, find, ownDomains, readSession, isAtScreen } = createLaunchdReading(run, uid)
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, pollMs))
  /** Waits for a process; asks for one if launchd does not start a loaded job. */
  const untilRuns = async (
    domain: LaunchdDomain,
    label: string,
    runsBefore: number,
  ): Promise<StartOutcome> => {
    const began = Date.now()
    let asked: CommandResult | null = null
    let seenPid: number | null = null
    let seenAt = began
    for (;;) {
      const found = await read(domain, label)
      const job = found.kind === 'loaded' ? found.job : null
      const pid = job?.pid ?? null
      if (pid !== null) {
        if (seenPid !== pid) seenAt = Date.now()
        seenPid = pid
        if (Date.now() - seenAt >= patience.settleMs) return { kind: 'runs', domain, pid, already: false }
        await pause()
        continue
      }
      const waitedMs = Date.now() - began
      const hasRun = job !== null && job.pid === null && (job.runs ?? 0) > runsBefore
      if (hasRun && job.lastExit !== null) return { kind: 'ended', domain, lastExit: job.lastExit }
      if (waitedMs > patience.startMs && asked !== null) {
        const why = `; launchctl kickstart: ${explainLaunchctl(asked, label)}`
        return { kind: 'failed', reason: `launchd loaded ${label} but did not start it${why}` }
      }
      // RunAtLoad may be postponed for ever during a login or in Low Power Mode ("pended nondemand spawn"); without -k
      // this does nothing to a running job.
      if (asked === null && waitedMs > patience.runAtLoadMs)
        asked = await launchctl('kickstart', `${domain}/${label}`)
      await pause()
    }
  }

  /** `unloading`: another bootout is under way, after which the job must be loaded again. */
  const kickstart = async (
    place: LoadedJob,
    label: string,
  ): Promise<StartOutcome | { readonly kind: 'unloading' }> => {
    const target = `${place.domain}/${label}`
    let result = await launchctl('kickstart', target)
    if (nameLaunchctlAnswer(result) === 'disabled') {
      await launchctl('enable', target)
      result = await launchctl('kickstart', target)
    }
    const answer = nameLaunchctlAnswer(result)
    if (answer === 'in-progress' || answer === 'not-loaded') return { kind: 'unloading' }
    const started = await untilRuns(place.domain, label, place.job?.runs ?? 0)
    return started.kind === 'failed' && answer !== 'done'
      ? { kind: 'failed', reason: `launchctl kickstart: ${explainLaunchctl(result, label)}` }
      : started
  }

  /** Whether that is so within the time that a job may take. */
  const drains = async (isSo: (found: JobReading) => boolean, domain: LaunchdDomain, label: string) => {
    const deadline = Date.now() + patience.drainMs
    for (;;) {
      if (isSo(await read(domain, label))) return true
      if (Date.now() > deadline) return false
      await pause()
    }
  }

  const untilUnloaded = (domain: LaunchdDomain, label: string): Promise<boolean> =>
    drains(({ kind }) => kind === 'not-loaded' || kind === 'no-domain', domain, label)

  /** Unloads it, which ends its process and perhaps its children. Returns why it is still there; null: it is gone. */
  const unload = async (domain: LaunchdDomain, label: string): Promise<string | null> => {
    // bootout returns before the job is gone.
    const result = await launchctl('bootout', `${domain}/${label}`)
    return (await untilUnloaded(domain, label))
      ? null
      : `launchctl bootout: ${explainLaunchctl(result, label)}`
  }

  /** Asks the job's process to end, as `kill` would; the job stays loaded. Returns why it still runs; null: it has ended. */
  const end = async (domain: LaunchdDomain, label: string): Promise<string | null> => {
    const result = await launchctl('kill', 'SIGTERM', `${domain}/${label}`)
    const hasEnded = (found: JobReading) =>
      found.kind !== 'unknown' && (found.kind !== 'loaded' || found.job?.pid === null)
    return (await drains(hasEnded, domain, label))
      ? null
      : `launchctl kill: ${explainLaunchctl(result, label)}`
  }

  type Bootstrapped =
    | { readonly kind: 'loaded' }
    | { readonly kind: 'no-domain' }
    | { readonly kind: 'wrong-session' | 'failed'; readonly reason: string }

  const bootstrap = async (
    domain: LaunchdDomain,
    { spec, plistPath }: StartRequest,
  ): Promise<Bootstrapped> => {
    const { label } = spec
    const deadline = Date.now() + patience.refusedMs
    for (;;) {
      // A disabled label is refused until it is enabled again (119); if it is enabled, this does nothing.
      await launchctl('enable', `${domain}/${label}`)
      const result = await launchctl('bootstrap', domain, plistPath)
      const answer = nameLaunchctlAnswer(result)
      if (answer === 'done') return { kind: 'loaded' }
      if (answer === 'no-domain') return { kind: 'no-domain' }
      // Another process may have loaded it meanwhile; without a pid it may also be a job that is being unloaded.
      const found = await read(domain, label)
      const isLast = !mayPass(answer) || Date.now() > deadline
      if (found.kind === 'loaded' && (found.job?.pid != null || isLast)) return { kind: 'loaded' }
      if (isLast) {
        const reason = `launchctl bootstrap: ${explainLaunchctl(result, label)}`
        return answer === 'wrong-session' ? { kind: 'wrong-session', reason } : { kind: 'failed', reason }
      }
      await pause()
    }
  }

  /** Loads it into the first domain that exists. */
  const load = async (request: StartRequest): Promise<StartOutcome> => {
    const { label } = request.spec
    const wanted = request.domains ?? ownDomains
    let refusal: string | null = null
    for (const domain of wanted) {
      const bootstrapped = await bootstrap(domain, request)
      switch (bootstrapped.kind) {
        case 'loaded':
          return untilRuns(domain, label, 0)
        case 'failed':
          return { kind: 'failed', reason: bootstrapped.reason }
        case 'wrong-session':
          refusal = bootstrapped.reason
          break
        case 'no-domain':
          break
      }
    }
    return refusal === null
      ? { kind: 'no-domain', reason: `${noSession} (no ${wanted.join(', no ')})` }
      : { kind: 'failed', reason: refusal }
  }

  return {
    read,
    find,
    readSession,
    isAtScreen,
    end,
    unload,
    /** Succeeds with a new process. */
    start: async (request: StartRequest): Promise<StartOutcome> => {
      const { spec, mayUnload } = request
      const search = await find(spec.label)
      if (search.kind === 'unknown') return { kind: 'failed', reason: search.reason }
      for (const { domain, job } of search.places)
        if (job?.pid != null) return { kind: 'runs', domain, pid: job.pid, already: true }
      for (const place of search.places) {
        if (place.domain === 'system' && uid !== 0) continue
        if (!mayUnload || isLoadedAs(place.job, spec)) {
          const started = await kickstart(place, spec.label)
          if (started.kind !== 'unloading') return started
          await untilUnloaded(place.domain, spec.label)
        } else {
          const left = await unload(place.domain, spec.label)
          if (left !== null) return { kind: 'failed', reason: left }
        }
      }
      return load(request)
    },
  }
}

/** Answers worth a retry after a while: the label may still be draining. */
const mayPass = (answer: LaunchctlAnswer): boolean => answer === 'refused' || answer === 'in-progress'

/** Whether launchd would start it as the spec says. Compares only variables of the plist, since launchd adds others. */
const isLoadedAs = (job: LaunchdJob | null, { argv, env }: LaunchdJobSpec): boolean =>
  job !== null &&
  job.argv.length === argv.length &&
  argv.every((word, index) => job.argv[index] === word.trim()) &&
  Object.entries(env).every(([name, value]) => job.env.get(name) === value.trim())

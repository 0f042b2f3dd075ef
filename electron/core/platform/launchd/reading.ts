// Finds a job in every launchd domain that a user's job can be in, and reads its state, with launchctl.
import { type CommandResult, describeFailure, type RunCommand } from '../run-command.ts'
import { nameLaunchctlAnswer } from './exit-codes.ts'
import { type LaunchdJob, parseDomainAsid, parseLaunchctlPrint } from './print-text.ts'

/** Such as gui/501. */
export type LaunchdDomain = 'system' | `gui/${number}` | `user/${number}`

export type JobReading =
  /** `job` null: launchctl's output was not understood. */
  | { readonly kind: 'loaded'; readonly domain: LaunchdDomain; readonly job: LaunchdJob | null }
  | { readonly kind: 'not-loaded' }
  | { readonly kind: 'no-domain' }
  | { readonly kind: 'unknown'; readonly reason: string }

export type LoadedJob = Extract<JobReading, { kind: 'loaded' }>

export type JobSearch =
  /** One label may be loaded in several domains at once. */
  | { readonly kind: 'found'; readonly places: readonly LoadedJob[] }
  | { readonly kind: 'unknown'; readonly reason: string }

const commandMs = 30_000

/**
 * The domains for a user's own jobs, best first. gui/UID exists while the user is logged in at the screen, even for a caller over
 * SSH; user/UID may exist without that (launchctl(1)). root has neither.
 */
const userDomains = (uid: number): readonly LaunchdDomain[] =>
  uid === 0 ? ['system'] : [`gui/${uid}`, `user/${uid}`]

export const createLaunchdReading = (run: RunCommand, uid: number) => {
  const ownDomains = userDomains(uid)
  const domains: readonly LaunchdDomain[] = [...new Set<LaunchdDomain>(['system', ...ownDomains])]
  const launchctl = (...words: readonly string[]): Promise<CommandResult> =>
    run(['launchctl', ...words], { timeoutMs: commandMs })

  const read = async (domain: LaunchdDomain, label: string): Promise<JobReading> => {
    const result = await launchctl('print', `${domain}/${label}`)
    switch (nameLaunchctlAnswer(result)) {
      case 'done':
        return {
          kind: 'loaded',
          domain,
          job: parseLaunchctlPrint(result.kind === 'exited' ? result.stdout : ''),
        }
      case 'not-loaded':
      case 'no-such-process':
        return { kind: 'not-loaded' }
      case 'no-domain':
        return { kind: 'no-domain' }
      default:
        return { kind: 'unknown', reason: `launchctl print: ${describeFailure(result)}` }
    }
  }

  /** Looks in every domain. */
  const find = async (label: string): Promise<JobSearch> => {
    const readings = await Promise.all(domains.map((domain) => read(domain, label)))
    const places = readings.filter((reading) => reading.kind === 'loaded')
    // An unreadable domain matters only if no other domain has the label.
    const unknown = readings.find((reading) => reading.kind === 'unknown')
    return places.length === 0 && unknown !== undefined ? unknown : { kind: 'found', places }
  }

  /** The audit session of a domain; `gone`: the domain doesn't exist; null: unknown. */
  const readSession = async (domain: LaunchdDomain): Promise<number | 'gone' | null> => {
    const result = await launchctl('print', domain)
    const answer = nameLaunchctlAnswer(result)
    if (answer === 'no-domain' || answer === 'not-loaded') return 'gone'
    return answer === 'done' && result.kind === 'exited' ? parseDomainAsid(result.stdout) : null
  }

  /** Whether this process belongs to the session of the screen: `launchctl managername` says Aqua there (launchctl(1)). */
  const isAtScreen = async (): Promise<boolean> => {
    const result = await launchctl('managername')
    return result.kind === 'exited' && result.stdout.trim() === 'Aqua'
  }

  return { ownDomains, launchctl, read, find, readSession, isAtScreen }
}

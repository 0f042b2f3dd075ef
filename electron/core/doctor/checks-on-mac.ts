// Checks for Macs: reported crashes, folders that privacy protection closes to launchd jobs, and whether selfcheck has run.
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { readSelfcheckRuns, type SelfcheckRun } from '../selfcheck/selfcheck-record.ts'
import { readSoftwareVersion } from '../selfcheck/system-facts.ts'
import { type CheckSource, ok, unknown, type Verdict, warn } from './check.ts'

interface MacReport {
  readonly kind: 'panic' | 'jetsam'
  readonly name: string
  /** ms since the epoch, from the local time in the name. */
  readonly at: number
}

/**
 * `panic-full-2026-11-02-031522.0002.panic` (a kernel panic; `Kernel_2026-...` before macOS 11) and
 * `JetsamEvent-2026-11-02-031522.ips` (programs killed when memory ran out). Names are from general knowledge, not from a recording.
 */
const reportName =
  /^(panic|Kernel|JetsamEvent)(?:[-_][a-zA-Z]+)*[-_](\d{4})-(\d{2})-(\d{2})-(\d{2})(\d{2})(\d{2})\D.*(?:panic|ips)$/

/** The newest panic or out-of-memory report of macOS, by file name. No report is opened. */
export const findNewestReport = (names: readonly string[], kind: MacReport['kind']): MacReport | null => {
  const reports = names.flatMap((name): MacReport[] => {
    const [, word, ...numbers] = reportName.exec(name) ?? []
    const [year = Number.NaN, month = Number.NaN, ...rest] = numbers.map(Number)
    const at = new Date(year, month - 1, ...rest).getTime()
    const found = word === 'JetsamEvent' ? 'jetsam' : 'panic'
    return word === undefined || Number.isNaN(at) || found !== kind ? [] : [{ kind, name, at }]
  })
  return reports.toSorted((a, b) => b.at - a.at)[0] ?? null
}

/** An M3 Ultra of 256 GB was restarted about 19 times in 25 days (omlx#1372): older reports say little about today. */
const recentMs = 14 * 86_400_000

export const judgeReports = (names: readonly string[], folder: string, nowMs: number): Verdict => {
  const [panic, jetsam] = (['panic', 'jetsam'] as const).map((kind) => {
    const report = findNewestReport(names, kind)
    return report !== null && nowMs - report.at < recentMs ? report : null
  })
  const said = [
    ...(panic ? [`this Mac restarted after a kernel panic (${panic.name})`] : []),
    ...(jetsam ? [`macOS killed programs because memory ran out (${jetsam.name})`] : []),
  ]
  const newest = panic ?? jetsam
  return newest
    ? warn(said.join('; '), `less ${quoteForShell(join(folder, newest.name))}`)
    : ok('no panic or out-of-memory report in the last two weeks')
}

/** Folders in the home that macOS denies to launchd jobs without asking (TCC). */
const closedFolders = ['Documents', 'Desktop', 'Downloads', 'Library/Mobile Documents'] as const

/** `paths`: what a core started by launchd must read. */
export const judgePlace = (paths: readonly string[], homeDir: string): Verdict => {
  for (const path of paths) {
    const within = relative(homeDir, path)
    const closed = closedFolders.find((folder) => within === folder || within.startsWith(`${folder}/`))
    if (closed !== undefined)
      return warn(
        `${path} is in ${join(homeDir, closed)}, which macOS closes to launchd jobs: nexus service cannot run from there`,
        `Move it, for example to ${join(homeDir, 'opta-nexus')}, then: nexus service install.`,
      )
  }
  return ok('launchd jobs can read this place')
}

/** null: no such folder. */
export const readReports = async (folder = '/Library/Logs/DiagnosticReports'): Promise<Verdict | null> => {
  try {
    return judgeReports(await readdir(folder), folder, Date.now())
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    // Its group is admin: other users cannot list it.
    return unknown(
      `${folder} cannot be read: ${messageOf(error)}`,
      `sudo ls -t ${quoteForShell(folder)} | head`,
    )
  }
}

/** `version` of macOS, such as 26.1; null: unknown. */
export const judgeSelfchecks = (version: string | null, runs: readonly SelfcheckRun[]): Verdict => {
  if (version === null) return unknown('could not read the version of macOS', 'sw_vers')
  const here = runs.filter(({ system }) => system === `macOS ${version}`)
  if (here.length === 0)
    return warn(
      `nexus selfcheck never ran on macOS ${version}: Nexus' assumptions are untested there`,
      'nexus selfcheck',
    )
  const failed = [...new Set(here.flatMap((run) => run.failed))]
  const ways = here.map(({ startedFrom }) => startedFrom).join(', ')
  return failed.length === 0
    ? ok(`passed on macOS ${version} from ${ways}`)
    : warn(`ran on macOS ${version} from ${ways}; failed: ${failed.join(', ')}`, 'nexus selfcheck')
}

export const checksOnMac: readonly CheckSource[] = [
  {
    id: 'machine.reports',
    title: 'Crashes',
    why: 'a Mac that runs out of memory kills servers or restarts, and mentions it only in its reports',
    read: async ({ platform }) => (platform.id === 'darwin' ? readReports() : null),
  },
  {
    id: 'machine.place',
    title: 'Place',
    why: 'a core started by launchd cannot read Documents, Desktop and Downloads',
    read: async ({ platform, resourcesDir, folder, homeDir }) =>
      platform.id === 'darwin' ? judgePlace([resourcesDir, folder.root, folder.runtimeDir], homeDir) : null,
  },
  {
    id: 'machine.selfcheck',
    title: 'Selfcheck',
    why: "Nexus' assumptions about macOS come from other machines; one command tests them on this one",
    read: async ({ platform, run, folder }) =>
      platform.id === 'darwin'
        ? judgeSelfchecks(
            (await readSoftwareVersion(run))?.version ?? null,
            readSelfcheckRuns(folder.selfcheckPath),
          )
        : null,
  },
]

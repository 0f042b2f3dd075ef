// Checks for Macs: reported crashes, and folders that privacy protection closes to launchd jobs and to us.
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import type { StateFolder } from '../config/state-folder.ts'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import { explainPrivacyRefusal } from '../platform/volume-access.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'

interface MacContext extends Pick<DoctorContext, 'resourcesDir' | 'homeDir'> {
  readonly platform: Pick<Platform, 'id'>
  readonly folder: Pick<StateFolder, 'root' | 'runtimeDir'>
}

interface MacFacts {
  readonly spec: Pick<RamDiskSpec, 'mountPoint'>
  readonly ramDisk: () => Promise<Pick<RamDisk, 'mounted'>>
}

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

/** null: nothing is mounted. */
const readAccess = async ({ ramDisk, spec }: MacFacts): Promise<Verdict | null> => {
  if (!(await ramDisk()).mounted) return null
  try {
    await readdir(spec.mountPoint)
    return ok(`this program can read ${spec.mountPoint}`)
  } catch (error) {
    const refusal = explainPrivacyRefusal(spec.mountPoint, error)
    return refusal === null
      ? unknown(`${spec.mountPoint} cannot be read: ${messageOf(error)}`)
      : fail(refusal, null)
  }
}

const readReports = async (folder: string): Promise<Verdict | null> => {
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

export const checksOnMac = (
  { platform, resourcesDir, folder, homeDir }: MacContext,
  facts: MacFacts,
  reportsFolder = '/Library/Logs/DiagnosticReports',
): readonly CheckSource[] =>
  platform.id !== 'darwin'
    ? []
    : [
        {
          id: 'machine.reports',
          group: 'Machine',
          title: 'Crashes',
          why: 'a Mac that runs out of memory kills servers or restarts, and mentions it only in its reports',
          read: () => readReports(reportsFolder),
        },
        {
          id: 'machine.place',
          group: 'Machine',
          title: 'Place',
          why: 'a core started by launchd cannot read Documents, Desktop and Downloads',
          read: async () => judgePlace([resourcesDir, folder.root, folder.runtimeDir], homeDir),
        },
        {
          id: 'forge.access',
          group: 'Build Forge',
          title: 'Access to it',
          why: 'macOS may deny a volume to programs started by launchd or SSH, whatever its permissions',
          read: () => readAccess(facts),
        },
      ]

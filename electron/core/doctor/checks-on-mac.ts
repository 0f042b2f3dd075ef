// Checks that only a Mac has: crashes it reported, what its privacy protection closes to launchd, and to us.
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { hasCode } from '../platform/mount-point.ts'
import type { Platform, RamDiskSpec } from '../platform/platform.ts'
import { explainPrivacyRefusal } from '../platform/volume-access.ts'
import { type CheckSource, type DoctorContext, fail, ok, unknown, type Verdict, warn } from './check.ts'
import { findNewestReport } from './mac-reports.ts'

interface MacContext extends Pick<DoctorContext, 'resourcesDir' | 'homeDir'> {
  readonly platform: Pick<Platform, 'id'>
  readonly folder: Pick<StateFolder, 'root' | 'runtimeDir'>
}

interface MacFacts {
  readonly spec: Pick<RamDiskSpec, 'mountPoint'>
  readonly ramDisk: () => Promise<Pick<RamDisk, 'mounted'>>
}

/** An M3 Ultra of 256 GB was restarted about 19 times in 25 days (omlx#1372): what is older says little of today. */
const recentMs = 14 * 86_400_000

export const judgeReports = (names: readonly string[], folder: string, nowMs: number): Verdict => {
  const [panic, jetsam] = (['panic', 'jetsam'] as const).map((kind) => {
    const report = findNewestReport(names, kind)
    return report !== null && nowMs - report.at < recentMs ? report : null
  })
  const said = [
    ...(panic ? [`this Mac restarted after a kernel panic (${panic.name})`] : []),
    ...(jetsam ? [`macOS ended programs for want of memory (${jetsam.name})`] : []),
  ]
  const newest = panic ?? jetsam
  return newest
    ? warn(said.join('; '), `less ${quoteForShell(join(folder, newest.name))}`)
    : ok('no panic and no want of memory reported within two weeks')
}

/** Folders of a home that macOS closes to programs which launchd starts, without a question to anybody (TCC). */
const closedFolders = ['Documents', 'Desktop', 'Downloads', 'Library/Mobile Documents'] as const

/** `paths`: what a core that launchd starts has to read. */
export const judgePlace = (paths: readonly string[], homeDir: string): Verdict => {
  for (const path of paths) {
    const within = relative(homeDir, path)
    const closed = closedFolders.find((folder) => within === folder || within.startsWith(`${folder}/`))
    if (closed !== undefined)
      return warn(
        `${path} lies in ${join(homeDir, closed)}, which macOS closes to what launchd starts: nexus service cannot run from there`,
        `Move it out of there, such as to ${join(homeDir, 'opta-nexus')}, then: nexus service install.`,
      )
  }
  return ok('launchd may read where this lies')
}

/** null: nothing is mounted, so there is nothing to be kept from. */
const readAccess = async ({ ramDisk, spec }: MacFacts): Promise<Verdict | null> => {
  if (!(await ramDisk()).mounted) return null
  try {
    await readdir(spec.mountPoint)
    return ok(`${spec.mountPoint} is open to this program`)
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
    if (hasCode(error, ['ENOENT'])) return null
    // Its group is admin: a developer without those rights cannot look.
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
          why: 'a Mac that runs out of memory ends servers, or restarts, and says so only in its reports',
          read: () => readReports(reportsFolder),
        },
        {
          id: 'machine.place',
          group: 'Machine',
          title: 'Place',
          why: 'a core that launchd starts is refused Documents, Desktop and Downloads',
          read: async () => judgePlace([resourcesDir, folder.root, folder.runtimeDir], homeDir),
        },
        {
          id: 'forge.access',
          group: 'Build Forge',
          title: 'Access to it',
          why: 'macOS may keep a program of launchd or SSH from a volume, whatever its permissions say',
          read: () => readAccess(facts),
        },
      ]

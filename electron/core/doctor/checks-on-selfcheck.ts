// Check whether what Nexus assumes of macOS was ever tried on this version of it.
import { readSelfcheckRuns, type SelfcheckRun } from '../selfcheck/selfcheck-record.ts'
import { readSoftwareVersion } from '../selfcheck/system-facts.ts'
import { type CheckSource, type DoctorContext, ok, unknown, type Verdict, warn } from './check.ts'

/** `version` of macOS, such as 26.1; null: not told. */
export const judgeSelfchecks = (version: string | null, runs: readonly SelfcheckRun[]): Verdict => {
  if (version === null) return unknown('which macOS this is could not be found out', 'sw_vers')
  const here = runs.filter(({ system }) => system === `macOS ${version}`)
  if (here.length === 0)
    return warn(
      `nexus selfcheck never ran on macOS ${version}: what is assumed of it was not tried`,
      'nexus selfcheck',
    )
  const failed = [...new Set(here.flatMap((run) => run.failed))]
  const ways = here.map(({ startedFrom }) => startedFrom).join(', ')
  return failed.length === 0
    ? ok(`tried on macOS ${version} from ${ways}`)
    : warn(`tried on macOS ${version} from ${ways}; these failed: ${failed.join(', ')}`, 'nexus selfcheck')
}

export const checksOnSelfcheck = ({ platform, run, folder }: DoctorContext): readonly CheckSource[] =>
  platform.id === 'darwin'
    ? [
        {
          id: 'machine.selfcheck',
          group: 'Machine',
          title: 'Selfcheck',
          why: 'what Nexus assumes of macOS was recorded from other machines; one command tries it on this one',
          read: async () =>
            judgeSelfchecks(
              (await readSoftwareVersion(run))?.version ?? null,
              readSelfcheckRuns(folder.selfcheckPath),
            ),
        },
      ]
    : []

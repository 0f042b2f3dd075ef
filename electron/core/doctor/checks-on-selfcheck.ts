// Check whether nexus selfcheck has run on this version of macOS.
import { readSelfcheckRuns, type SelfcheckRun } from '../selfcheck/selfcheck-record.ts'
import { readSoftwareVersion } from '../selfcheck/system-facts.ts'
import { type CheckSource, type DoctorContext, ok, unknown, type Verdict, warn } from './check.ts'

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

export const checksOnSelfcheck = ({ platform, run, folder }: DoctorContext): readonly CheckSource[] =>
  platform.id === 'darwin'
    ? [
        {
          id: 'machine.selfcheck',
          group: 'Machine',
          title: 'Selfcheck',
          why: "Nexus' assumptions about macOS come from other machines; one command tests them on this one",
          read: async () =>
            judgeSelfchecks(
              (await readSoftwareVersion(run))?.version ?? null,
              readSelfcheckRuns(folder.selfcheckPath),
            ),
        },
      ]
    : []

// Checks on the config file and the resulting profile.

import { quoteForShell } from '../../wording/shell-quote.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { type CheckSource, type ConfigState, type DoctorContext, fail, ok, type Verdict } from './check.ts'

type ConfigPaths = Pick<StateFolder, 'configPath' | 'lastGoodConfigPath'>

export const judgeConfig = (state: ConfigState, paths: ConfigPaths): Verdict => {
  const { configPath, lastGoodConfigPath } = paths
  switch (state.kind) {
    case 'absent':
      return ok(`no ${configPath}, so the defaults apply`)
    case 'valid':
      return ok(`${configPath} is valid`)
    case 'broken': {
      const found = `${configPath} is not valid: ${state.problems.join('; ')}`
      return state.hasLastGood
        ? fail(
            `${found}. The checks below use the last good one`,
            `cp ${quoteForShell(lastGoodConfigPath)} ${quoteForShell(configPath)}`,
          )
        : fail(`${found}. The checks below use the defaults`, `Correct ${configPath} at the place named.`)
    }
  }
}

export const judgeProfileProblems = (
  name: string,
  because: string,
  problems: readonly string[],
  where: string,
): Verdict =>
  problems.length === 0
    ? ok(`${name}: ${because}`)
    : fail(`nexus up would refuse: ${problems.join('; ')}`, `Correct ${where} at the place named.`)

/** The file in which to change this profile. */
export const profileFile = ({ chosen, folder }: DoctorContext): string =>
  chosen.name.includes('/') ? chosen.name : folder.configPath

/** The setting's path within that file. */
export const profilePlace = (context: DoctorContext, key: string): string =>
  profileFile(context) === context.folder.configPath ? `profiles.${context.chosen.name}.${key}` : key

export const checksOnConfig = (
  context: DoctorContext,
  problemsOf: () => Promise<readonly string[]>,
): readonly CheckSource[] => [
  {
    id: 'config.file',
    group: 'Configuration',
    title: 'Config file',
    why: 'nexus up refuses an invalid file; running services keep running',
    read: async () => judgeConfig(context.configState, context.folder),
  },
  {
    id: 'config.profile',
    group: 'Configuration',
    title: 'Profile',
    why: 'conflicting values are refused before anything starts',
    read: async () =>
      judgeProfileProblems(
        context.chosen.name,
        context.chosen.because,
        await problemsOf(),
        profileFile(context),
      ),
  },
]

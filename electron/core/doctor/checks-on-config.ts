// Checks on the config file and the resulting profile.

import { quoteForShell } from '../../wording/shell-quote.ts'
import type { StateFolder } from '../config/state-folder.ts'
import { type CheckSource, fail, ok, type Verdict } from './check.ts'
import type { ConfigState } from './facts.ts'

export const judgeConfig = (
  state: ConfigState,
  { configPath, lastGoodConfigPath }: Pick<StateFolder, 'configPath' | 'lastGoodConfigPath'>,
): Verdict => {
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

export const checksOnConfig: readonly CheckSource[] = [
  {
    id: 'config.file',
    title: 'Config file',
    why: 'nexus up refuses an invalid file; running services keep running',
    read: async ({ configState, folder }) => judgeConfig(configState, folder),
  },
  {
    id: 'config.profile',
    title: 'Profile',
    why: 'conflicting values are refused before anything starts',
    read: async ({ profileProblems, chosen, profileFile }) => {
      const problems = await profileProblems()
      return problems.length === 0
        ? ok(`${chosen.name}: ${chosen.because}`)
        : fail(`nexus up would refuse: ${problems.join('; ')}`, `Correct ${profileFile} at the place named.`)
    },
  },
]

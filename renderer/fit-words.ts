// Icon and words for the planner's verdict. Pure.
import type { PlanAnswer } from '../electron/contract/question.ts'
import type { IconName } from './icon-name.ts'

type Verdict = NonNullable<PlanAnswer['memory']>['verdict']

export const fitWords: Readonly<Record<Verdict, { readonly icon: IconName; readonly words: string }>> = {
  fits: { icon: 'ready', words: 'It fits' },
  'fits-without-linker-reserve': { icon: 'warning', words: 'It fits, but without the linker’s reserve' },
  'does-not-fit': { icon: 'failed', words: 'It does not fit' },
}

// The gateway's plan as text: its command line, then the reasons for it.
import type { PlanAnswer } from '../../contract/question.ts'
import { quoteArgv } from '../../wording/shell-quote.ts'
import { piece, renderLine, wrap } from './text-line.ts'

const mostLines = 4

/** The command line is never cut: it is for pasting. */
export const renderGatewayPlan = (
  { endpoint, argv, notes }: NonNullable<PlanAnswer['gateway']>,
  { width, color }: { readonly width: number; readonly color: boolean },
): readonly string[] => [
  renderLine([piece('The Gateway', 'strong'), piece(`   ${endpoint}`)], color),
  `  ${quoteArgv(argv)}`,
  ...notes.flatMap((note) => {
    const [first = '', ...rest] = wrap(note, Math.max(20, width - 6), mostLines)
    return [`  - ${first}`, ...rest.map((line) => `    ${line}`)]
  }),
]

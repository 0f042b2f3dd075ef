// The Router's behaviours as text: one entry for each switch.
import type { RouterBehaviour } from '../../core/router/router-plan.ts'
import { piece, renderLine, wrap } from './text-line.ts'

const mostLines = 4

export const renderRouterPlan = (
  behaviours: readonly RouterBehaviour[],
  { width, color }: { readonly width: number; readonly color: boolean },
): readonly string[] => [
  renderLine([piece('The Router', 'strong')], color),
  ...behaviours.flatMap(({ setting, on, does }) => {
    const [first = '', ...rest] = wrap(does, Math.max(20, width - 6), mostLines)
    const mark = on ? piece('  on  ', 'good') : piece('  off ', 'warn')
    return [
      renderLine([mark, piece(first)], color),
      ...rest.map((line) => renderLine([piece(`      ${line}`)], color)),
      renderLine([piece(`      ${setting}`, 'dim')], color),
    ]
  }),
]

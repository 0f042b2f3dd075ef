// The planner's verdict, and other sentences with a mark.
import type { ReactNode } from 'react'
import type { PlanAnswer } from '../electron/contract/question.ts'
import { Icon, type IconName } from './icon.tsx'

type Verdict = NonNullable<PlanAnswer['memory']>['verdict']

export const fitIcons = {
  fits: 'ready',
  'fits-without-linker-reserve': 'warning',
  'does-not-fit': 'failed',
  unknown: 'unknown',
} as const satisfies Readonly<Record<Verdict | 'unknown', string>>

export const fitWords: Readonly<Record<Verdict, string>> = {
  fits: 'It fits',
  'fits-without-linker-reserve': 'It fits, but without the linker’s reserve',
  'does-not-fit': 'It does not fit',
}

interface FitProps {
  readonly fit: keyof typeof fitIcons
  /** `alert`: a screen reader says it at once. */
  readonly role?: 'alert'
  readonly children: ReactNode
}

export const Fit = ({ fit, role, children }: FitProps) => (
  <p className={`fit fit-${fit}`} role={role}>
    <Icon name={fitIcons[fit]} />
    <span>{children}</span>
  </p>
)

export const Lines = ({ mark, lines }: { readonly mark: IconName; readonly lines: readonly string[] }) =>
  lines.length === 0 ? null : (
    <ul className="lines">
      {lines.map((line) => (
        <li key={line} className={`line line-${mark}`}>
          <Icon name={mark} />
          <span>{line}</span>
        </li>
      ))}
    </ul>
  )

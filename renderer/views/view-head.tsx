// The head of every view but the glance: its title and its actions.
import type { ReactNode } from 'react'
import { formatTime } from '../clock-words.ts'

interface ViewHeadProps {
  readonly title: string
  readonly note?: string
  /** When the view's content was read; null: not yet. */
  readonly checkedAt?: number | null
  readonly children?: ReactNode
}

export const ViewHead = ({ title, note = '', checkedAt = null, children }: ViewHeadProps) => (
  <header className="view-head">
    <h1 tabIndex={-1}>{title}</h1>
    <span className="view-note" title={note}>
      {note}
      {checkedAt !== null && <small>checked {formatTime(checkedAt)}</small>}
    </span>
    {children}
  </header>
)

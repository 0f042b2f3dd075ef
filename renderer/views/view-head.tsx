// The head of every view but the glance: its name, and what can be done with all of it.
import type { ReactNode } from 'react'

interface ViewHeadProps {
  readonly title: string
  readonly note?: string
  readonly children?: ReactNode
}

export const ViewHead = ({ title, note = '', children }: ViewHeadProps) => (
  <header className="view-head">
    <h1 tabIndex={-1}>{title}</h1>
    <span className="view-note" title={note}>
      {note}
    </span>
    {children}
  </header>
)

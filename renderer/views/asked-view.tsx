// What all views but the glance share: the head, and one answer that is pending, failed or there.
import type { ReactNode } from 'react'
import { Button } from '../buttons.tsx'
import { formatTime } from '../clock-words.ts'
import { Fit } from '../fit.tsx'
import type { Asked } from '../use-answer.ts'

interface AskedViewProps<T> {
  readonly asked: Asked<T>
  readonly title: string
  readonly className?: string
  /** Beside the title. */
  note(answer: T): string
  readonly awaiting: string
  /** The label of the button that asks again, beside the time of the answer; absent: neither. */
  readonly againLabel?: string
  children(answer: T): ReactNode
  /** Below the answer, and there without one. */
  readonly below?: ReactNode
}

export const AskedView = <T,>({
  asked: { answer, answeredAt, failure, pending, again },
  title,
  className = 'view',
  note,
  awaiting,
  againLabel,
  children,
  below,
}: AskedViewProps<T>) => (
  <div className={className}>
    <ViewHead
      title={title}
      note={answer === null ? '' : note(answer)}
      checkedAt={againLabel === undefined ? null : answeredAt}
    >
      {againLabel !== undefined && (
        <Button
          // Not `disabled`, which would drop the focus.
          aria-disabled={pending || undefined}
          onClick={() => {
            if (!pending) again()
          }}
        >
          {againLabel}
        </Button>
      )}
    </ViewHead>
    {failure !== null && (
      <Fit fit="does-not-fit" role="alert">
        {answer === null ? 'Not known' : 'Not up to date'}: {failure}
      </Fit>
    )}
    {answer === null
      ? failure === null && <p className="not-known view-awaiting">{awaiting}</p>
      : children(answer)}
    {below}
  </div>
)

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

export const TableHead = ({ titles }: { readonly titles: readonly string[] }) => (
  <thead>
    <tr>
      {titles.map((title) => (
        <th key={title} scope="col">
          {title}
        </th>
      ))}
    </tr>
  </thead>
)

// The body of a view that shows one answer: pending, failed or there.
import type { ReactNode } from 'react'
import { Icon } from '../icon.tsx'
import type { Asked } from '../use-answer.ts'

interface AskedBodyProps<T> {
  readonly asked: Asked<T>
  readonly awaiting: string
  children(answer: T): ReactNode
}

export const AskedBody = <T,>({ asked, awaiting, children }: AskedBodyProps<T>) => (
  <>
    {asked.failure !== null && (
      <p className="fit fit-does-not-fit" role="alert">
        <Icon name="failed" />
        <span>
          {asked.answer === null ? 'Not known' : 'Not up to date'}: {asked.failure}
        </span>
      </p>
    )}
    {asked.answer === null
      ? asked.failure === null && <p className="not-known view-awaiting">{awaiting}</p>
      : children(asked.answer)}
  </>
)

// A button that copies and confirms it.
import { useState } from 'react'
import type { Outcome } from '../../electron/contract/command.ts'

interface CopyButtonProps {
  /** What is copied, for screen readers. */
  readonly what: string
  copy(): Promise<Outcome>
}

export const CopyButton = ({ what, copy }: CopyButtonProps) => {
  const [done, setDone] = useState(false)
  return (
    <button
      type="button"
      className="button-small"
      aria-label={done ? `Copied: ${what}` : `Copy ${what}`}
      onBlur={() => setDone(false)}
      onClick={async () => setDone((await copy()).accepted)}
    >
      {done ? 'Copied ✓' : 'Copy'}
    </button>
  )
}

// Buttons: a plain one, one that asks for confirmation when its action affects others, and one that copies and confirms it.
import { type ButtonHTMLAttributes, useState } from 'react'
import type { Outcome } from '../electron/contract/command.ts'
import { useEscape } from './keys.ts'

const classNames = {
  small: 'button-small',
  plain: 'button',
  primary: 'button button-primary',
  danger: 'button button-danger',
  quiet: 'button button-quiet',
} as const

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'> {
  /** `small` beside other text, the others in a row of their own. */
  readonly kind?: keyof typeof classNames | undefined
}

export const Button = ({ kind = 'small', ...attributes }: ButtonProps) => (
  <button type="button" className={classNames[kind]} {...attributes} />
)

interface AskingButtonProps extends Pick<ButtonProps, 'kind'> {
  /** Names the action in full; `short` stands on the button where the place says the rest. */
  readonly label: string
  readonly short?: string
  /** What the action destroys; null: nothing, so no confirmation. */
  readonly warning: string | null
  onPress(): void
}

export const AskingButton = ({ label, short = label, warning, kind, onPress }: AskingButtonProps) => {
  const [asked, setAsked] = useState<'not-yet' | 'now' | 'taken-back'>('not-yet')
  const isAsking = asked === 'now' && warning !== null
  // The reason for the question is gone; a new one needs a new press.
  if (asked === 'now' && warning === null) setAsked('not-yet')
  const takeBack = () => setAsked('taken-back')
  useEscape(isAsking ? takeBack : null)
  if (!isAsking) {
    return (
      <Button
        kind={kind}
        aria-label={label}
        // It replaces the button that was just pressed.
        autoFocus={asked === 'taken-back'}
        onClick={() => (warning === null ? onPress() : setAsked('now'))}
      >
        {short}
      </Button>
    )
  }
  return (
    <section className="asking" aria-label={label}>
      <p>{warning}</p>
      <div className="button-row">
        <Button
          kind="danger"
          onClick={(event) => {
            // The second press of a double click was meant for the button that was here before.
            if (event.detail > 1) return
            setAsked('not-yet')
            onPress()
          }}
        >
          Yes: {label}
        </Button>
        {/* It replaces the pressed button, and is the harmless one of the two. */}
        <Button kind="quiet" autoFocus onClick={takeBack}>
          Cancel
        </Button>
      </div>
    </section>
  )
}

interface CopyButtonProps {
  /** What is copied, for screen readers. */
  readonly what: string
  readonly label?: string
  copy(): Promise<Outcome>
}

export const CopyButton = ({ what, label = 'Copy', copy }: CopyButtonProps) => {
  const [done, setDone] = useState(false)
  return (
    <>
      <Button
        aria-label={done ? `Copied: ${what}` : `Copy ${what}`}
        onBlur={() => setDone(false)}
        onClick={async () => setDone((await copy()).accepted)}
      >
        {done ? 'Copied ✓' : label}
      </Button>
      <span className="hidden-words" role="status">
        {done ? 'Copied' : ''}
      </span>
    </>
  )
}

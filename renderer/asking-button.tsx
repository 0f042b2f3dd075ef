// A button that asks for confirmation when its action affects others.
import { useState } from 'react'
import { useEscape } from './keys.ts'

interface AskingButtonProps {
  readonly label: string
  /** What the action destroys; null: nothing, so no confirmation. */
  readonly warning: string | null
  readonly className?: string
  onPress(): void
}

export const AskingButton = ({ label, warning, className = 'button-small', onPress }: AskingButtonProps) => {
  const [asked, setAsked] = useState<'not-yet' | 'now' | 'taken-back'>('not-yet')
  const isAsking = asked === 'now' && warning !== null
  // The reason for the question is gone; a new one needs a new press.
  if (asked === 'now' && warning === null) setAsked('not-yet')
  const takeBack = () => setAsked('taken-back')
  useEscape(isAsking ? takeBack : null)
  if (!isAsking) {
    return (
      <button
        type="button"
        className={className}
        // biome-ignore lint/a11y/noAutofocus: it replaces the button that was just pressed
        autoFocus={asked === 'taken-back'}
        onClick={() => (warning === null ? onPress() : setAsked('now'))}
      >
        {label}
      </button>
    )
  }
  return (
    <section className="asking" aria-label={label}>
      <p>{warning}</p>
      <div className="button-row">
        <button
          type="button"
          className="button button-danger"
          onClick={(event) => {
            // The second press of a double click was meant for the button that was here before.
            if (event.detail > 1) return
            setAsked('not-yet')
            onPress()
          }}
        >
          Yes: {label}
        </button>
        <button
          type="button"
          className="button button-quiet"
          // biome-ignore lint/a11y/noAutofocus: it replaces the pressed button, and is the harmless one of the two
          autoFocus
          onClick={takeBack}
        >
          Cancel
        </button>
      </div>
    </section>
  )
}

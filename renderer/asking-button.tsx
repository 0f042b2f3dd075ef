// A button that says what it will do to others and asks again, when it does something to others.
import { useState } from 'react'
import { useEscape } from './keys.ts'

interface AskingButtonProps {
  readonly label: string
  /** What is lost by it; null: nothing, so it is not asked. */
  readonly warning: string | null
  readonly className?: string
  onPress(): void
}

export const AskingButton = ({ label, warning, className = 'button-small', onPress }: AskingButtonProps) => {
  const [asked, setAsked] = useState<'not-yet' | 'now' | 'taken-back'>('not-yet')
  const isAsking = asked === 'now' && warning !== null
  // What it asked about is over: when the like begins again, nobody has pressed for that.
  if (asked === 'now' && warning === null) setAsked('not-yet')
  const takeBack = () => setAsked('taken-back')
  useEscape(isAsking ? takeBack : null)
  if (!isAsking) {
    return (
      <button
        type="button"
        className={className}
        // biome-ignore lint/a11y/noAutofocus: it takes the place of the button that was just pressed
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
            // The second press of a double click was for the question's button, which stood here.
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
          // biome-ignore lint/a11y/noAutofocus: of the two that take the place of the one pressed, it loses nothing
          autoFocus
          onClick={takeBack}
        >
          Cancel
        </button>
      </div>
    </section>
  )
}

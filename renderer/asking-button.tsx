// A button that says what it will do to others and asks again, when it does something to others.
import { useState } from 'react'

interface AskingButtonProps {
  readonly label: string
  /** What is lost by it; null: nothing, so it is not asked. */
  readonly warning: string | null
  onPress(): void
}

export const AskingButton = ({ label, warning, onPress }: AskingButtonProps) => {
  const [asked, setAsked] = useState(false)
  if (!asked || warning === null) {
    return (
      <button
        type="button"
        className="button-small"
        onClick={() => (warning === null ? onPress() : setAsked(true))}
      >
        {label}
      </button>
    )
  }
  return (
    <section
      className="asking"
      aria-label={label}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        setAsked(false)
      }}
    >
      <p>{warning}</p>
      <div className="button-row">
        <button
          type="button"
          className="button button-danger"
          // biome-ignore lint/a11y/noAutofocus: it takes the place of the button that was just pressed
          autoFocus
          onClick={() => {
            setAsked(false)
            onPress()
          }}
        >
          Yes: {label}
        </button>
        <button type="button" className="button button-quiet" onClick={() => setAsked(false)}>
          Cancel
        </button>
      </div>
    </section>
  )
}

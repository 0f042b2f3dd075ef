// What keys do in the whole window, before any view sees them.
import { useEffect, useRef } from 'react'

/**
 * Escape takes back what is open, wherever the focus is: a button that was just pressed need not have it.
 * @param takeBack null: nothing is open
 */
export const useEscape = (takeBack: (() => void) | null): void => {
  const latest = useRef(takeBack)
  latest.current = takeBack
  const isOpen = takeBack !== null
  useEffect(() => {
    if (!isOpen) return
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return
      event.preventDefault()
      latest.current?.()
    }
    // Before the window's own, which leaves the view.
    window.addEventListener('keydown', onKey, { capture: true })
    return () => window.removeEventListener('keydown', onKey, { capture: true })
  }, [isOpen])
}

/** A field that Escape only leaves: whoever types in it does not mean the view. */
export const isField = (target: EventTarget | null): target is HTMLInputElement | HTMLSelectElement =>
  target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type === 'text')

/** A key that is held down presses a button once. */
export const pressOnce = (event: KeyboardEvent): void => {
  if (event.repeat && event.key === 'Enter' && event.target instanceof HTMLButtonElement)
    event.preventDefault()
}

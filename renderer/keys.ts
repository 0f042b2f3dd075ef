// Window-wide key handling, before any view sees a key.
import { useEffect, useRef } from 'react'

/**
 * Escape closes what is open, wherever the focus is: a button that was just pressed may not have it.
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
    // Runs before the window's own handler, which leaves the view.
    window.addEventListener('keydown', onKey, { capture: true })
    return () => window.removeEventListener('keydown', onKey, { capture: true })
  }, [isOpen])
}

/** A field in which Escape only ends typing, without leaving the view. */
export const isField = (target: EventTarget | null): target is HTMLInputElement | HTMLSelectElement =>
  target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type === 'text')

/** Holding a key down presses a button only once. */
export const pressOnce = (event: KeyboardEvent): void => {
  if (event.repeat && event.key === 'Enter' && event.target instanceof HTMLButtonElement)
    event.preventDefault()
}

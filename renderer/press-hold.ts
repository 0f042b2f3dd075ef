// Ignores a press right after a button has changed its action.
import { useEffect, useRef, useState } from 'react'

/** Longer than the gap within a double click (500 ms by default in Windows and GTK). */
const holdMs = 700

/** @param changedAtMs on the same clock as `pressedAtMs` */
export const isTooSoon = (changedAtMs: number, pressedAtMs: number): boolean =>
  pressedAtMs - changedAtMs < holdMs

/**
 * Whether a press was meant for the button's previous action.
 * @param action what the button does; null: no button, so the next one replaces nothing
 */
export const usePressHold = (action: string | null) => {
  const shown = useRef({ action, sinceMs: Number.NEGATIVE_INFINITY })
  const [released, setReleased] = useState(action)
  const before = shown.current.action
  if (before !== action)
    shown.current = { action, sinceMs: before === null ? Number.NEGATIVE_INFINITY : performance.now() }
  /** For handlers: judged by the clock at the time of the press. */
  const isHeld = () => isTooSoon(shown.current.sinceMs, performance.now())
  useEffect(() => {
    const timer = setTimeout(() => setReleased(action), shown.current.sinceMs > 0 ? holdMs : 0)
    return () => clearTimeout(timer)
  }, [action])
  // For display, such as to screen readers.
  return { isHeld, isShownHeld: released !== action }
}

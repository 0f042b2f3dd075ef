// When a press means what its button says: not right after the button has become another one.
import { useEffect, useRef, useState } from 'react'

/** Longer than the second press of a double click takes to come (500 ms by default in Windows and GTK). */
const holdMs = 700

/** @param changedAtMs on the same clock as `pressedAtMs` */
export const isTooSoon = (changedAtMs: number, pressedAtMs: number): boolean =>
  pressedAtMs - changedAtMs < holdMs

interface PressHold {
  /** Judged by the clock when somebody presses. */
  isHeld(): boolean
  /** The same for whoever only looks, such as a screen reader. */
  readonly isShownHeld: boolean
}

/**
 * Whether a press is meant for what stood there until a moment ago.
 * @param action what the button does; null: there is none, so the next one takes nothing's place
 */
export const usePressHold = (action: string | null): PressHold => {
  const shown = useRef({ action, sinceMs: Number.NEGATIVE_INFINITY })
  const [released, setReleased] = useState(action)
  const before = shown.current.action
  if (before !== action)
    shown.current = { action, sinceMs: before === null ? Number.NEGATIVE_INFINITY : performance.now() }
  const isHeld = () => isTooSoon(shown.current.sinceMs, performance.now())
  useEffect(() => {
    const timer = setTimeout(() => setReleased(action), shown.current.sinceMs > 0 ? holdMs : 0)
    return () => clearTimeout(timer)
  }, [action])
  return { isHeld, isShownHeld: released !== action }
}

// Waits for a promise with a timeout.
import { firstOf } from './first-of.ts'

/** The promise's value, or null after `ms`. Leaves no timer behind. */
export const within = async <T>(promise: Promise<T>, ms: number): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null)
  })
  try {
    return await firstOf<T | null>([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

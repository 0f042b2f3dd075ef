// Shortens a key for display: enough to recognise it, too little to use it.

const shownAtEnd = 4
/** In a shorter key, the end would be a large part of the secret. */
const shortestWithEnd = 20

/** The prefix up to its last dash within the first 10 characters (`sk-opta-`), an ellipsis, and the end of long keys. */
export const maskKey = (key: string): string => {
  const prefix = /^[A-Za-z]{2,9}-(?:opta-)?/.exec(key)?.[0] ?? ''
  if (key.length < shortestWithEnd) return `${prefix}…`
  return `${prefix}…${key.slice(-shownAtEnd)}`
}

// Reasons are fragments, because elsewhere they follow a colon; this turns them into sentences. Pure.

/** "it ended" becomes "It ended"; anything but a plain word (llama-server, /Volumes) keeps its spelling. */
export const startSentence = (fragment: string): string =>
  /^[a-z]+[ ,;]/.test(fragment) ? fragment.charAt(0).toUpperCase() + fragment.slice(1) : fragment

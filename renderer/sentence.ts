// Reasons come as sentence fragments, for they stand behind a colon elsewhere; here they begin a sentence. Pure.

/** "it ended" is "It ended"; what is no plain word (llama-server, /Volumes) keeps its spelling. */
export const startSentence = (fragment: string): string =>
  /^[a-z]+[ ,;]/.test(fragment) ? fragment.charAt(0).toUpperCase() + fragment.slice(1) : fragment

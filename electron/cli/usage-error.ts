// An invalid command line: the message names the word, what was found and what is allowed.
export class UsageError extends Error {}

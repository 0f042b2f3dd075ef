// A process's command line, for display.

/** Cuts long command lines: they are shown within a sentence, and the whole argv can be read by pid. */
export const maxCommandLength = 200

export const describeCommand = (argv: readonly string[] | null, comm: string | null): string | null => {
  const joined = argv === null ? comm : argv.join(' ')
  if (joined === null || joined === '') return null
  // Control characters in another process's argv must not reach the terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match them.
  const shown = joined.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim()
  return shown.length > maxCommandLength ? `${shown.slice(0, maxCommandLength - 1)}…` : shown
}

// One line that names a process to people.

/** Long command lines are cut: these are shown in one sentence, and the whole argv can be read by pid. */
export const maxCommandLength = 200

export const describeCommand = (argv: readonly string[] | null, comm: string | null): string | null => {
  const joined = argv === null ? comm : argv.join(' ')
  if (joined === null || joined === '') return null
  // Control characters in a stranger's argv must not steer the terminal that shows them.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const shown = joined.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim()
  return shown.length > maxCommandLength ? `${shown.slice(0, maxCommandLength - 1)}…` : shown
}

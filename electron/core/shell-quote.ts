// Words for people to paste into a shell. Nothing of ours is ever run by one.

/** For sh, bash and zsh: as it is when every character is harmless, else in single quotes, inside which nothing is read. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** about_Quoting_Rules: inside single quotes only the quote itself is special, and is doubled. */
export const quoteForPowershell = (word: string): string => `'${word.replaceAll("'", "''")}'`

// Quotes words for people to paste into a shell. We never run anything through a shell.

/** For sh, bash and zsh: unchanged when every character is harmless, else in single quotes, which nothing expands in. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`

/** A whole command line, ready to paste. */
export const quoteArgv = (argv: readonly string[]): string => argv.map(quoteForShell).join(' ')

/**
 * about_Quoting_Rules: inside single quotes only the quote itself is special, and is doubled. PowerShell treats four
 * typographic quotes as the same character (CharTraits.cs, IsSingleQuote).
 */
export const quoteForPowershell = (word: string): string =>
  `'${word.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`

/** Inside fish's single quotes only a backslash and the quote are special (fish-doc, Quotes). */
export const quoteForFish = (word: string): string => `'${word.replace(/[\\']/g, '\\$&')}'`

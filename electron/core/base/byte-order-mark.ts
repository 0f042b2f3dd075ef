// Windows editors and PowerShell 5 start text files with U+FEFF, which JSON.parse and TOML parsers reject.

export const byteOrderMark = '\uFEFF'

export const withoutByteOrderMark = (text: string): string =>
  text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text

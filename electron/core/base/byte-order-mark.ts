// U+FEFF before a text: Windows editors and PowerShell 5 write one, and JSON.parse and TOML parsers refuse it.

export const byteOrderMark = '\uFEFF'

export const withoutByteOrderMark = (text: string): string =>
  text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text

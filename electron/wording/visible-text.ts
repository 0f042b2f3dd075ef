// Text of others where a person reads it: control characters are shown, not obeyed. Pure.
//
// A terminal obeys C0 and C1 (ECMA-48): a log line may set the title, write the clipboard (OSC 52) or clear the screen,
// and U+009B begins a sequence as ESC [ does. The bidirectional marks make a name read as another one
// (Unicode Technical Report #36, 2.1; trojansource.codes).

/** Colours (SGR) are all over LiteLLM's log lines and say nothing here: dropped, so that the words are left to read. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a colour begins with.
const colours = /\u001b\[[\d;:]*m/g

/** All of C0 but tab and line end, DEL, C1, the marks that turn text around, and the two line ends of Unicode's own. */
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Unicode's pictures of C0: `␛` for ESC. The rest as JSON writes it, so that a document stays the document it was. */
const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, '0')}`
}

/** The same text with nothing in it that a terminal obeys, but tabs and line ends. */
export const showControls = (text: string): string => text.replace(colours, '').replace(obeyed, picture)

// Shows control characters in foreign text instead of letting the terminal obey them. Pure.
//
// A terminal obeys C0 and C1 (ECMA-48): a log line may set the title, write the clipboard (OSC 52) or clear the screen,
// and U+009B begins a sequence as ESC [ does. The bidirectional marks make a name read as another one
// (Unicode Technical Report #36, 2.1; trojansource.codes).

/** Colours (SGR) fill LiteLLM's log lines and mean nothing here: dropped, so that the words stay readable. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the start of a colour code.
const colours = /\u001b\[[\d;:]*m/g

/** All of C0 but tab and line feed, DEL, C1, bidirectional marks, and Unicode's two line separators. */
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finds control characters.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Unicode's pictures for C0: `␛` for ESC. The rest as JSON escapes, so that a JSON document keeps its meaning. */
const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, '0')}`
}

/** The text without anything that a terminal obeys, except tabs and line feeds. */
export const showControls = (text: string): string => text.replace(colours, '').replace(obeyed, picture)

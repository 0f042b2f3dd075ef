// The last filter before the terminal: only our own colour codes pass, whatever a line quotes.
import { showControls } from '../wording/visible-text.ts'

/** The codes that view/text-line.ts and view/plan-view.ts emit. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own codes.
const ownColours = /(\u001b\[(?:0|1|2|3[1-6])m)/

/** @param color whether lines contain our colour codes */
export const forTerminal = (line: string, color: boolean): string =>
  color
    ? line
        .split(ownColours)
        .map((part, index) => (index % 2 === 1 ? part : showControls(part)))
        .join('')
    : showControls(line)

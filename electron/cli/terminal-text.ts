// The last thing before the terminal: whatever a line quotes, only our own colours are obeyed.
import { showControls } from '../wording/visible-text.ts'

/** What view/text-line.ts and view/plan-view.ts put around their pieces. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own codes.
const ownColours = /(\u001b\[(?:0|1|2|3[1-6])m)/

/** @param color whether lines have colours of ours in them */
export const forTerminal = (line: string, color: boolean): string =>
  color
    ? line
        .split(ownColours)
        .map((part, index) => (index % 2 === 1 ? part : showControls(part)))
        .join('')
    : showControls(line)

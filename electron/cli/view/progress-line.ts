// Progress on stderr, so that --json stays clean: one redrawn line on a terminal, else a line for each step.
import { showControls } from '../../wording/visible-text.ts'
import type { CliContext } from '../context.ts'
import { truncate } from './text-line.ts'

/** The part of tty.WriteStream used here. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

export interface ProgressLine {
  /** Overwrites the last drawn line on a terminal; elsewhere prints the line when `mark` has changed. */
  draw(line: string, mark: string): void
  /** Prints a line to stay, unless `mark` is the last one's. */
  print(line: string, mark: string): void
}

/** Output after the work, errors too, begins on a new line. */
export const withProgressLine = async <T>(
  context: Pick<CliContext, 'printError'>,
  work: (progress: ProgressLine) => Promise<T>,
  stream: ProgressStream = process.stderr,
): Promise<T> => {
  let last = ''
  let isDrawn = false
  const end = () => {
    if (isDrawn) stream.write('\n')
    isDrawn = false
  }
  const print = (line: string, mark: string) => {
    if (mark === last) return
    last = mark
    end()
    context.printError(line)
  }
  const draw = (line: string, mark: string) => {
    if (stream.isTTY !== true) return print(line, mark)
    // A wrapped line can't be redrawn in place.
    stream.write(`\r\u001b[K${showControls(truncate(line, stream.columns ?? 80))}`)
    isDrawn = true
  }
  try {
    return await work({ draw, print })
  } finally {
    end()
  }
}

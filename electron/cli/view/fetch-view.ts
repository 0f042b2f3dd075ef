// Shows a fetch: one redrawn line on a terminal, else a line for each step and each tenth.
import type { ModelFetch } from '../../contract/snapshot.ts'
import { describeFetch, isFetchActive } from '../../wording/fetch-words.ts'
import { showControls } from '../../wording/visible-text.ts'
import type { CliContext } from '../context.ts'
import { truncate } from './text-line.ts'

export interface FetchScreen {
  show(fetch: ModelFetch): void
  /** Later output begins on a new line. */
  end(): void
}

/** The part of tty.WriteStream used here. */
interface ScreenStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** On stderr, so that --json stays clean. */
export const createFetchScreen = (
  context: Pick<CliContext, 'printError'>,
  stream: ScreenStream = process.stderr,
): FetchScreen => {
  let drawn = false
  let last = ''
  return {
    show: (fetch) => {
      if (!isFetchActive(fetch)) return
      const line = `${fetch.file ?? fetch.id}: ${describeFetch(fetch)}`
      if (stream.isTTY === true) {
        // A wrapped line can't be redrawn in place.
        stream.write(`\r\u001b[K${showControls(truncate(line, stream.columns ?? 80))}`)
        drawn = true
        return
      }
      const tenth = fetch.totalBytes === null ? 0 : Math.floor((10 * fetch.doneBytes) / fetch.totalBytes)
      const mark = `${fetch.file} ${fetch.phase} ${fetch.phase === 'waiting' ? fetch.reason : tenth}`
      if (mark === last) return
      last = mark
      context.printError(line)
    },
    end: () => {
      if (drawn) stream.write('\n')
      drawn = false
    },
  }
}

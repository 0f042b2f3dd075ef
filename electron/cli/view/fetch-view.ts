// A fetch as the terminal shows it: one line that is redrawn, or a line for each step and each tenth.
import type { ModelFetch } from '../../contract/snapshot.ts'
import { describeFetch, isFetchActive } from '../../wording/fetch-words.ts'
import { showControls } from '../../wording/visible-text.ts'
import type { CliContext } from '../context.ts'
import { truncate } from './text-line.ts'

export interface FetchScreen {
  show(fetch: ModelFetch): void
  /** What is said next begins on a line of its own. */
  end(): void
}

/** What is needed of a tty.WriteStream. */
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
        // A line that the terminal wraps is not redrawn but repeated.
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

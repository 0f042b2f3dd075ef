// What everyone who looks at a core and commands it works with: the core in this process, or one over its socket.

import type { Command, Outcome } from '../../contract/command.ts'
import { type Answers, answerSchemas, type Query } from '../../contract/question.ts'
import type { LogId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Watchable } from '../observe/watch.ts'

/** A question without the answer's type: what came over the socket is one of them. */
export type Ask = <T extends Query['type']>(query: Extract<Query, { type: T }>) => Promise<Answers[T]>

export interface SnippetName {
  readonly developer: string
  readonly snippet: string
}

export interface CoreLink extends Watchable {
  /** Reads anew what was not read a moment ago. */
  readSnapshot(): Promise<Snapshot>
  dispatch(command: Command): Promise<Outcome>
  /** Rejects with one sentence when the question cannot be answered. */
  readonly ask: Ask
  /** Calls `listener` with each piece of new lines of a log from now on; the undo ends that. */
  followLog(log: LogId, listener: (lines: readonly string[]) => void): () => void
  /** While it is kept, a background core does not end although nothing runs; the undo lets it. A guest keeps nothing. */
  keep(): () => void
  /** What a developer pastes, with the key in it: for the clipboard, never for a window or a log. */
  readSnippet(name: SnippetName): Promise<string>
}

export const isAnswerTo = <T extends Query['type']>(
  query: Extract<Query, { type: T }>,
  answer: unknown,
): answer is Answers[T] => answerSchemas[query.type].safeParse(answer).success

// The interface to a core for all its clients: the core in this process, or one over its socket.

import type { Command, Outcome } from '../../contract/command.ts'
import { type Answers, answerSchemas, type Query } from '../../contract/question.ts'
import type { LogId } from '../../contract/service-ids.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Watchable } from '../observe/published.ts'

/** A question without its answer's type, as it comes over the socket. */
export type Ask = <T extends Query['type']>(query: Extract<Query, { type: T }>) => Promise<Answers[T]>

export interface SnippetName {
  readonly developer: string
  readonly snippet: string
}

export interface CoreLink extends Watchable {
  /** Reads what was not read a moment ago. */
  readSnapshot(): Promise<Snapshot>
  dispatch(command: Command): Promise<Outcome>
  /** Rejects with one sentence when there is no answer. */
  readonly ask: Ask
  /** Calls `listener` with each batch of new log lines. Returns the undo. */
  followLog(log: LogId, listener: (lines: readonly string[]) => void): () => void
  /** Keeps a background core alive although nothing runs. Returns the undo. Has no effect for a guest. */
  keep(): () => void
  /** The client settings to paste, with the key in them: for the clipboard, never for a window or a log. */
  readSnippet(name: SnippetName): Promise<string>
}

export const isAnswerTo = <T extends Query['type']>(
  query: Extract<Query, { type: T }>,
  answer: unknown,
): answer is Answers[T] => answerSchemas[query.type].safeParse(answer).success

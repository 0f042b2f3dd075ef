// The control socket's protocol: one JSON document per line, both ways; and what to do about a core that speaks another version.

import { z } from 'zod'
import { CommandSchema, DeveloperNameSchema, OutcomeSchema } from '../../contract/command.ts'
import { HistorySampleSchema } from '../../contract/history.ts'
import { QuerySchema } from '../../contract/question.ts'
import { LogIdSchema } from '../../contract/service-ids.ts'
import { SnapshotSchema } from '../../contract/snapshot.ts'
import { parseBoundedJson } from '../base/bounded-json.ts'
import { messageOf } from '../base/error-message.ts'

/** Refuse longer lines before they fill memory; a snapshot is a few KB, a history 30 KB. */
export const maxLineBytes = 1_048_576

const id = z.number().int().nonnegative()

export const RequestSchema = z.discriminatedUnion('method', [
  z.strictObject({ id, method: z.literal('snapshot') }),
  /**
   * The next four are subscriptions: they hold until `end` names their id, or the connection ends. This one pushes the current
   * snapshot and then others: `watched` is 1 Hz, else every few seconds and at each phase change.
   */
  z.strictObject({ id, method: z.literal('watch'), watched: z.boolean().default(true) }),
  /** Pushes the whole history, then each new sample. */
  z.strictObject({ id, method: z.literal('watchHistory') }),
  /** Pushes new lines. */
  z.strictObject({ id, method: z.literal('followLog'), log: LogIdSchema }),
  /** Keeps a background core alive although nothing runs: an app shows it. */
  z.strictObject({ id, method: z.literal('keep') }),
  /** Changes how closely a `watch` looks. */
  z.strictObject({ id, method: z.literal('setWatched'), of: id, watched: z.boolean() }),
  z.strictObject({ id, method: z.literal('end'), of: id }),
  z.strictObject({ id, method: z.literal('dispatch'), command: CommandSchema }),
  z.strictObject({ id, method: z.literal('ask'), query: QuerySchema }),
  /** Answers a secret: only the owner can open the socket. */
  z.strictObject({
    id,
    method: z.literal('snippet'),
    developer: DeveloperNameSchema,
    snippet: z.string().max(64),
  }),
])
export type ControlRequest = z.infer<typeof RequestSchema>

/** With `id` an answer, with `of` pushed for that subscription. */
export const ResponseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('snapshot'), id, snapshot: SnapshotSchema }),
  z.strictObject({ kind: z.literal('watched'), of: id, snapshot: SnapshotSchema }),
  z.strictObject({ kind: z.literal('outcome'), id, outcome: OutcomeSchema }),
  /** Checked by the caller, which knows the question. */
  z.strictObject({ kind: z.literal('answer'), id, answer: z.unknown() }),
  z.strictObject({ kind: z.literal('history'), of: id, samples: z.array(HistorySampleSchema) }),
  z.strictObject({ kind: z.literal('logLines'), of: id, lines: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('snippet'), id, text: z.string() }),
  z.strictObject({ kind: z.literal('done'), id }),
  /** `id` null: about a line that names no request. */
  z.strictObject({ kind: z.literal('error'), id: id.nullable(), message: z.string() }),
])
export type ControlResponse = z.infer<typeof ResponseSchema>
export type Push = Extract<ControlResponse, { readonly of: number }>

export type ParsedRequest =
  | { readonly kind: 'request'; readonly request: ControlRequest }
  | { readonly kind: 'garbage'; readonly id: number | null; readonly message: string }

/** Parses one line from a client. Never throws: garbage gets an error message. */
export const parseRequest = (line: string): ParsedRequest => {
  let value: unknown
  try {
    value = parseBoundedJson(line)
  } catch (error) {
    const message =
      error instanceof SyntaxError ? 'not JSON: one JSON document a line is expected' : messageOf(error)
    return { kind: 'garbage', id: null, message }
  }
  const parsed = RequestSchema.safeParse(value)
  if (parsed.success) return { kind: 'request', request: parsed.data }
  const given = z.looseObject({ id }).safeParse(value)
  return { kind: 'garbage', id: given.success ? given.data.id : null, message: z.prettifyError(parsed.error) }
}

/** The fields that snapshots of every contract version have. */
const OwnerLine = z.object({
  snapshot: z.object({ owner: z.object({ pid: z.number().int().positive() }) }),
})

/**
 * What to do about a core with another contract version, such as one still running after an update of Nexus. One sentence.
 * Doesn't suggest `nexus down`, which asks the same core, and llama-server would have to load the model again. Ending the core
 * leaves its services running for the next one to take over.
 * @param line the core's parsed line; null when it was not JSON
 */
export const describeOtherVersion = (line?: unknown): string => {
  const said = OwnerLine.safeParse(line)
  if (!said.success)
    return 'the running core has another version: end its process (the app, or nexus serve); its services keep running, and the next core takes them over'
  const { pid } = said.data.snapshot.owner
  return `the running core (pid ${pid}) has another version: kill ${pid} ends only the core, and nexus up takes over its running services`
}

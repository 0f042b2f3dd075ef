// What goes over the control socket: one JSON document a line, both ways.
import { z } from 'zod'
import { CommandSchema, OutcomeSchema, SnapshotSchema } from '../../contract.ts'

/** Longer lines are refused before they can fill memory; a snapshot is a few KB. */
export const maxLineBytes = 1_048_576

const id = z.number().int().nonnegative()

export const RequestSchema = z.discriminatedUnion('method', [
  z.strictObject({ id, method: z.literal('snapshot') }),
  /**
   * Snapshots are pushed from now on, at every reading and every change of phase, until the connection ends. `watched`:
   * somebody looks, so everything is read at about 1 Hz; else as seldom as without anyone. Asked again, it changes that.
   */
  z.strictObject({ id, method: z.literal('watch'), watched: z.boolean() }),
  z.strictObject({ id, method: z.literal('dispatch'), command: CommandSchema }),
])
export type ControlRequest = z.infer<typeof RequestSchema>

export const ResponseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('snapshot'), id: id.nullable(), snapshot: SnapshotSchema }),
  z.strictObject({ kind: z.literal('outcome'), id, outcome: OutcomeSchema }),
  z.strictObject({ kind: z.literal('error'), id: id.nullable(), message: z.string() }),
])
export type ControlResponse = z.infer<typeof ResponseSchema>

export type ParsedRequest =
  | { readonly kind: 'request'; readonly request: ControlRequest }
  | { readonly kind: 'garbage'; readonly id: number | null; readonly message: string }

/** Parses one line from a client. Never throws: garbage is answered in words. */
export const parseRequest = (line: string): ParsedRequest => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { kind: 'garbage', id: null, message: 'not JSON: one JSON document a line is expected' }
  }
  const parsed = RequestSchema.safeParse(value)
  if (parsed.success) return { kind: 'request', request: parsed.data }
  const given = z.looseObject({ id }).safeParse(value)
  return { kind: 'garbage', id: given.success ? given.data.id : null, message: z.prettifyError(parsed.error) }
}

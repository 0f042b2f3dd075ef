// The Router's record of tools: what it dropped from today's requests, and when a model last called one.
import { z } from 'zod'
import { readRecord } from '../base/json-record.ts'

const LeftOutSchema = z.object({ requests: z.number(), names: z.array(z.string()) })
export type LeftOut = z.infer<typeof LeftOutSchema>

/** Written by resources/opta_tool_book.py. */
const ToolBookSchema = z.object({
  /** The local day of the counts, such as 2026-11-23. */
  day: z.string(),
  keywords: LeftOutSchema,
  searches: LeftOutSchema,
  tools: LeftOutSchema,
  /** `at`: ms since the epoch. `client`: such as claude-cli/2.1.332. `engine`: engine-record.ts's identity. */
  lastCall: z.object({ at: z.number(), client: z.string(), engine: z.string().nullable() }).nullable(),
})
export type ToolBook = z.infer<typeof ToolBookSchema>

/** In the Router's folder. */
export const toolBookName = 'tools-today.json'

/** null: no tools seen yet, or a damaged file. */
export const readToolBook = (path: string): ToolBook | null => readRecord(path, ToolBookSchema)

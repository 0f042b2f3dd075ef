// Reads JSON that may be foreign or truncated: valid as a whole, or null.
import type { z } from 'zod'
import { parseBoundedJson } from './bounded-json.ts'
import { withoutByteOrderMark } from './byte-order-mark.ts'
import { readFileOrNull } from './private-file.ts'

export const parseJsonOrNull = (text: string): unknown => {
  try {
    return parseBoundedJson(withoutByteOrderMark(text))
  } catch {
    return null
  }
}

/** The file's content; null when it is missing or doesn't match the schema. Throws when it can't be read. */
export const readRecord = <T>(path: string, schema: z.ZodType<T>): T | null => {
  const text = readFileOrNull(path)
  const parsed = text === null ? null : schema.safeParse(parseJsonOrNull(text))
  return parsed?.success === true ? parsed.data : null
}

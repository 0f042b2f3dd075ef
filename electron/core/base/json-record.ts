// JSON that somebody else may have written or cut off: understood whole, or null.
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

/** What the file says; null when there is none, or when it is not of this form. Failures to read it throw. */
export const readRecord = <T>(path: string, schema: z.ZodType<T>): T | null => {
  const text = readFileOrNull(path)
  const parsed = text === null ? null : schema.safeParse(parseJsonOrNull(text))
  return parsed?.success === true ? parsed.data : null
}

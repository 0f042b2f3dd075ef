// Shared value schemas. Each error message says what is allowed.
import * as z from 'zod'

export const absolutePath = (what: string) =>
  z
    .string()
    .refine((path) => path.startsWith('/'), `an absolute path to ${what} (starting with /)`)
    .refine((path) => !path.includes('\0'), `a path without NUL characters`)

export const wholeNumber = (min: number, max: number, what: string) =>
  z
    .number(`${what}: a whole number from ${min} to ${max}`)
    .int(`${what}: a whole number from ${min} to ${max}`)
    .min(min, `${what}: a whole number from ${min} to ${max}`)
    .max(max, `${what}: a whole number from ${min} to ${max}`)

export const port = wholeNumber(1, 65_535, 'a TCP port')
export const host = z
  .string()
  .regex(/^[0-9A-Za-z.:_-]+$/, 'an IP address or host name, such as 127.0.0.1 or 0.0.0.0')
export const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]{8,256}$/, 'a key of 8 to 256 printable ASCII characters without blanks')

export const bytes = z.number().int().nonnegative()
export const epochMs = z.number().int().nonnegative()
export const count = z.number().int().nonnegative()
export const perSecond = z.number().nonnegative()

export const nullableText = z.string().nullable()

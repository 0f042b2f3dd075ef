// Hostile inputs, drawn by fast-check from a seed: well-formed samples as changed by a fault, an attacker or a cut file.
import * as fc from 'fast-check'
import { messageOf } from '../electron/core/base/error-message.ts'

/** The fault and the input that shows it, as one text; null: none. */
export const findFault = async <T>(
  inputs: fc.Arbitrary<T>,
  run: (input: T) => Promise<void>,
  how: fc.Parameters<[T]>,
): Promise<string | null> => {
  const { failed, counterexample, errorInstance } = await fc.check(fc.asyncProperty(inputs, run), how)
  return failed
    ? `${messageOf(errorInstance)}\n  on ${JSON.stringify(counterexample?.[0] ?? null).slice(0, 1_500)}`
    : null
}

/** Pieces that break terminals, parsers, regular expressions and JSON. */
const tokens: readonly string[] = [
  '\u001b]52;c;ZXZpbA==\u0007',
  '\u001b[2J\u001b[31m',
  '\u009b2J',
  '\u202egnp.exe',
  '\u2066',
  '\0',
  '\r\n\r\n',
  '\ufeff',
  '\ud800',
  '-1',
  '1e999',
  'NaN',
  '99999999999999999999999999',
  '0x7fffffff',
  '9007199254740993',
  '"',
  "'",
  '\\',
  '{"__proto__":{"polluted":true}}',
  'constructor',
  '../../../etc/passwd',
  '$(reboot)',
  '%s%n%x',
  '    ',
  '\t',
  ': ',
  '/dev/disk9',
  '(((((((((((((((((((((',
  '𝕿é漢字',
]

/** As long as the longest recording of these texts, so that a slow regular expression shows. */
const mostCharacters = 65_536

const token = fc.constantFrom(...tokens)
const piece = fc.oneof(token, fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 }))

interface Edit {
  readonly at: number
  readonly length: number
  readonly kind: 'insert' | 'cut' | 'replace' | 'double' | 'repeat' | 'end'
  readonly piece: string
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 40 }),
  kind: fc.constantFrom('insert', 'cut', 'replace', 'double', 'repeat', 'end'),
  piece,
})

const applyEdit = (text: string, { at, length, kind, piece: given }: Edit): string => {
  const start = Math.floor(at * text.length)
  const [head, middle, tail] = [
    text.slice(0, start),
    text.slice(start, start + length),
    text.slice(start + length),
  ]
  switch (kind) {
    case 'insert':
      return head + given + middle + tail
    case 'cut':
      return head + tail
    case 'replace':
      return head + given + tail
    case 'double':
      return head + middle + middle + tail
    case 'repeat':
      return head + middle.repeat(Math.floor(mostCharacters / Math.max(1, middle.length))) + tail
    case 'end':
      return head
  }
}

/** A sample with a few edits, or random text. */
export const hostileText = (...samples: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 6 }))
        .map(([sample, edits]) => edits.reduce(applyEdit, sample).slice(0, 2 * mostCharacters)),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 500 }) },
    { weight: 1, arbitrary: fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')) },
  )

export const hostileBytes = (sample: Buffer): fc.Arbitrary<Buffer> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.array(
            fc.tuple(
              fc.nat({ max: sample.length - 1 }),
              fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat({ max: 255 })),
              fc.constantFrom(1, 1, 4, 8),
            ),
            { minLength: 1, maxLength: 6 },
          ),
          fc.option(fc.nat({ max: sample.length })),
        )
        .map(([changes, end]) => {
          const bytes = Buffer.from(sample)
          for (const [at, value, times] of changes) bytes.fill(value, at, Math.min(bytes.length, at + times))
          return end === null ? bytes : bytes.subarray(0, end)
        }),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  )

const leaf = fc.oneof(
  token,
  fc.constantFrom<unknown>(null, true, false, -1, 0, 1e308, 2 ** 53, 0.1, '', [], {}),
  fc.jsonValue({ maxDepth: 2 }),
)

interface JsonEdit {
  readonly at: number
  readonly kind: 'replace' | 'remove' | 'add' | 'list' | 'nest'
  readonly value: unknown
  readonly key: string
}

const jsonEdit: fc.Arbitrary<JsonEdit> = fc.record({
  at: fc.nat({ max: 1_000 }),
  kind: fc.constantFrom('replace', 'replace', 'remove', 'add', 'list', 'nest'),
  value: leaf,
  key: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'id', '$schema'), token),
})

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
}

const isHolder = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const placesIn = (value: unknown): readonly Place[] =>
  isHolder(value)
    ? Object.keys(value).flatMap((key) => [{ holder: value, key }, ...placesIn(value[key])])
    : []

/** `__proto__` as an own key, as JSON.parse creates it. */
const put = (holder: Record<string, unknown>, key: string, value: unknown): void => {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

const mostPlaces = 5_000

const deepList = (): unknown => JSON.parse('['.repeat(200) + ']'.repeat(200))

const applyJsonEdit = (root: { value: unknown }, { at, kind, value, key }: JsonEdit): void => {
  const places = placesIn(root)
  const place = places[at % places.length]
  // The copies of a list are the same object: nested, it is 300 times 300 long, and at the next level a body of 36 MB.
  if (place === undefined || places.length > mostPlaces) return
  const { holder } = place
  const inside = holder[place.key]
  // The arbitrary returns the same empty list and object repeatedly: put into itself, it would be a cycle.
  const fresh = structuredClone(value)
  switch (kind) {
    case 'replace':
      put(holder, place.key, fresh)
      break
    case 'remove':
      if (place.key !== 'value') delete holder[place.key]
      break
    case 'add':
      put(isHolder(inside) && !Array.isArray(inside) ? inside : holder, key, fresh)
      break
    case 'list':
      put(
        holder,
        place.key,
        Array.from({ length: (JSON.stringify(inside)?.length ?? 0) < 100 ? 300 : 3 }, () => inside),
      )
      break
    case 'nest':
      put(holder, place.key, deepList())
  }
}

/** A JSON document like the sample, with changed values, types, names and depths; sometimes not JSON at all. */
export const hostileJson = (sample: unknown): fc.Arbitrary<string> => {
  const text = JSON.stringify(sample)
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(jsonEdit, { minLength: 1, maxLength: 4 }).map((edits) => {
        const root = { value: JSON.parse(text) }
        for (const each of edits) applyJsonEdit(root, each)
        return JSON.stringify(root.value) ?? 'null'
      }),
    },
    { weight: 2, arbitrary: hostileText(text) },
    { weight: 1, arbitrary: fc.json() },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '[]',
        '5',
        'null',
        '{',
        '['.repeat(100_000),
        `"${'x'.repeat(mostCharacters)}"`,
      ),
    },
  )
}

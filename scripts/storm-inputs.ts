// Hostile inputs, drawn by fast-check from a seed: well-formed samples as changed by a fault, an attacker or a cut file.
import * as fc from 'fast-check'
import { messageOf } from '../electron/core/base/error-message.ts'
import samples from './storm-samples.json' with { type: 'json' }

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

/** As long as the longest recording of these texts, so that a slow regular expression shows. */
const mostCharacters = 65_536

/** Pieces that break terminals, parsers, regular expressions and JSON; half a surrogate pair breaks the samples' own file. */
const token = fc.constantFrom(...samples.tokens, '\ud800')
const piece = fc.oneof(token, fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 }))

/** A text is cut into three; what becomes of it. */
const cuts: readonly ((head: string, middle: string, tail: string, given: string) => string)[] = [
  (head, middle, tail, given) => head + given + middle + tail,
  (head, _, tail) => head + tail,
  (head, _, tail, given) => head + given + tail,
  (head, middle, tail) => head + middle + middle + tail,
  (head, middle, tail) =>
    head + middle.repeat(Math.floor(mostCharacters / Math.max(1, middle.length))) + tail,
  (head) => head,
  // Over what is there, so that the rest keeps its place: a binary header's lengths and offsets.
  (head, middle, tail, given) => head + given + (middle + tail).slice(given.length),
]
const edit = fc
  .record({
    // Not a double: fast-check draws those by their bits, so that most are next to 0.
    at: fc.nat({ max: 1_000 }),
    length: fc.integer({ min: 1, max: 40 }),
    change: fc.constantFrom(...cuts),
    given: piece,
  })
  .map(({ at, length, change, given }) => (text: string): string => {
    const start = Math.floor((at * text.length) / 1_000)
    const end = start + length
    return change(text.slice(0, start), text.slice(start, end), text.slice(end), given)
  })

/** A sample with a few edits, or random text. */
export const hostileText = (...samples: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 6 }))
        .map(([sample, edits]) =>
          edits.reduce((text, change) => change(text), sample).slice(0, 2 * mostCharacters),
        ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 500 }) },
    { weight: 1, arbitrary: fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')) },
  )

const leaf = fc.oneof(
  token,
  fc.constantFrom<unknown>(null, true, false, -1, 0, 1e308, 2 ** 53, 0.1, '', [], {}),
  fc.jsonValue({ maxDepth: 2 }),
)

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

/** Changes what is at a place; `fresh` and `name` are drawn. */
type Change = (place: Place, fresh: unknown, name: string) => void
const replace: Change = ({ holder, key }, fresh) => put(holder, key, fresh)
const changes: readonly Change[] = [
  // Twice as likely.
  replace,
  replace,
  ({ holder, key }) => {
    if (key !== 'value') delete holder[key]
  },
  ({ holder, key }, fresh, name) => {
    const inside = holder[key]
    put(isHolder(inside) && !Array.isArray(inside) ? inside : holder, name, fresh)
  },
  ({ holder, key }) => {
    const inside = holder[key]
    const length = (JSON.stringify(inside)?.length ?? 0) < 100 ? 300 : 3
    put(
      holder,
      key,
      Array.from({ length }, () => inside),
    )
  },
  ({ holder, key }) => put(holder, key, JSON.parse('['.repeat(200) + ']'.repeat(200))),
]
const jsonEdit = fc
  .record({
    at: fc.nat({ max: 1_000 }),
    change: fc.constantFrom(...changes),
    value: leaf,
    name: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'id', '$schema'), token),
  })
  .map(({ at, change, value, name }) => (root: { value: unknown }): void => {
    const places = placesIn(root)
    const place = places[at % places.length]
    // The copies of a list are the same object: nested, it is 300 times 300 long, and at the next level a body of 36 MB.
    if (place === undefined || places.length > mostPlaces) return
    // The arbitrary returns the same empty list and object repeatedly: put into itself, it would be a cycle.
    change(place, structuredClone(value), name)
  })

/** A JSON document like the sample, with changed values, types, names and depths; sometimes not JSON at all. */
export const hostileJson = (sample: unknown): fc.Arbitrary<string> => {
  const text = JSON.stringify(sample)
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(jsonEdit, { minLength: 1, maxLength: 4 }).map((edits) => {
        const root = { value: JSON.parse(text) }
        for (const change of edits) change(root)
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

// The kinds of options of `nexus`: each reads its value and refuses a bad one with the place, what was found and what is
// allowed. Pure.
/** An invalid command line: the message names the word, what was found and what is allowed. */
export class UsageError extends Error {}

interface Option<Value> {
  readonly type: 'boolean' | 'string'
  /** Follows the name in the usage line, as N does in `--lines N`; empty: a flag. */
  readonly sample: string
  /** For `nexus help`; null: the name says it all. */
  readonly help: string | null
  /** Left out of the usage line: another program passes it. */
  readonly isHidden: boolean
  /** @param given undefined: not on the command line. @param place `--name`, for errors */
  readonly read: (given: string | boolean | undefined, place: string) => Value
}

export type Options = Readonly<Record<string, Option<unknown>>>
export type ValuesOf<Own extends Options> = {
  readonly [Name in keyof Own]: Own[Name] extends Option<infer Value> ? Value : never
}

/** Reads one word. @param place where it was found, for errors */
export type Parse<Value> = (word: string, place: string) => Value

export const flag = (help: string | null = null): Option<boolean> => ({
  type: 'boolean',
  sample: '',
  help,
  isHidden: false,
  read: (given) => given === true,
})

export const hidden = <Value>(option: Option<Value>): Option<Value> => ({ ...option, isHidden: true })

/** An option with a value; `otherwise` when it is not given. */
export const value = <Value, Otherwise>(
  sample: string,
  parse: Parse<Value>,
  otherwise: Otherwise,
  help: string | null = null,
): Option<Value | Otherwise> => ({
  type: 'string',
  sample,
  help,
  isHidden: false,
  read: (given, place) => (typeof given === 'string' ? parse(given, place) : otherwise),
})

export const text = (sample: string, help: string | null = null): Option<string | null> =>
  value(sample, (word) => word, null, help)

export const refuse = (place: string, found: string, allowed: string): never => {
  throw new UsageError(`${place}: found ${found}; allowed: ${allowed}`)
}

/** @param word undefined: missing. Any case is accepted, because `llamaServer` is easily mistyped. */
export const choose = <Word extends string>(
  words: readonly Word[],
  word: string | undefined,
  place: string,
): Word =>
  words.find((known) => known.toLowerCase() === word?.toLowerCase()) ??
  refuse(place, word === undefined ? 'nothing' : `"${word}"`, words.join(', '))

export const oneOf =
  <Word extends string>(words: readonly Word[]): Parse<Word> =>
  (word, place) =>
    choose(words, word, place)

export const wholeNumber =
  (min: number, max: number): Parse<number> =>
  (word, place) => {
    const number = Number(word)
    return /^\d+$/.test(word) && number >= min && number <= max
      ? number
      : refuse(place, `"${word}"`, `a whole number from ${min} to ${max}`)
  }

/** Separated by commas. */
export const listOf =
  <Value>(parse: Parse<Value>): Parse<readonly Value[]> =>
  (word, place) =>
    word.split(',').map((each) => parse(each, place))

// A command of `nexus`: its options, each of which reads its value and refuses a bad one with the place, what was found and
// what is allowed; its words, its usage line, and the parsing that they share. Pure.
import { parseArgs } from 'node:util'

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

type Options = Readonly<Record<string, Option<unknown>>>
type ValuesOf<Own extends Options> = {
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

interface Declaration<Own extends Options, Given extends object> {
  readonly options: Own
  /** The words before the options in the usage line. */
  readonly usage?: string
  /** How many words it takes; default none. */
  readonly mostWords?: number
  /** What it does, for `nexus help`; absent: its name says it. */
  readonly help?: string
  /** Adds what the words mean, and refuses options that don't go together. */
  readonly build: (values: ValuesOf<Own>, words: readonly string[]) => Given
}

interface Command<Parsed> {
  readonly name: string
  /** "nexus down [--only ...] [--eject]" */
  readonly usage: string
  /** Paragraphs for `nexus help`: what it does, then its options that need an explanation. */
  readonly help: readonly string[]
  /** Throws UsageError. @param words those after the command's name */
  readonly parse: (words: readonly string[]) => Parsed
}

export const command = <const Name extends string, Own extends Options, Given extends object>(
  name: Name,
  declaration: Declaration<Own, Given>,
): Command<{ readonly name: Name } & Given> => {
  const { options, mostWords = 0, build } = declaration
  const entries = Object.entries<Options[string]>(options).map(([key, option]) => ({
    key,
    option,
    word: spell(key),
  }))
  const shown = entries.filter(({ option }) => !option.isHidden)
  const parts = [
    `nexus ${name}`,
    ...(declaration.usage === undefined ? [] : [declaration.usage]),
    ...shown.map(({ word, option }) => `[--${word}${option.sample === '' ? '' : ` ${option.sample}`}]`),
  ]
  const usage = parts.join(' ')
  const types = Object.fromEntries(entries.map(({ word, option: { type } }) => [word, { type }]))
  return {
    name,
    usage,
    help: [
      ...(declaration.help === undefined ? [] : [declaration.help]),
      ...shown.flatMap(({ word, option: { help } }) => (help === null ? [] : [`--${word}: ${help}`])),
    ],
    parse: (words) => {
      const { values, positionals } = split(name, words, types, usage)
      const extra = positionals[mostWords]
      if (extra !== undefined) refuse(`nexus ${name}`, `the extra word "${extra}"`, usage)
      const read = entries.map(({ key, word, option }) => [key, option.read(values[word], `--${word}`)])
      return { name, ...build(Object.fromEntries(read), positionals) }
    },
  }
}

/** A command that takes only options, each on its own. */
export const optionsCommand = <const Name extends string, Own extends Options>(
  name: Name,
  options: Own,
  help?: string,
): Command<{ readonly name: Name } & ValuesOf<Own>> =>
  command(name, { options, build: (values) => values, ...(help === undefined ? {} : { help }) })

/** replaceForeign is written --replace-foreign. */
const spell = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const split = (
  name: string,
  words: readonly string[],
  options: Record<string, { readonly type: 'boolean' | 'string' }>,
  usage: string,
) => {
  const optionsEnd = words.indexOf('--')
  // parseArgs takes seconds for the letters of a long "-abc", or runs out of stack; we have no such options.
  const group = words.slice(0, optionsEnd < 0 ? undefined : optionsEnd).find((word) => /^-[^-]./s.test(word))
  const refuseWords = (reason: string) => new UsageError(`nexus ${name}: ${reason}; allowed: ${usage}`)
  if (group !== undefined) throw refuseWords(`Unknown option '${group.slice(0, 40)}'`)
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw refuseWords(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error))
  }
}

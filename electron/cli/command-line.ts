// A command of `nexus`: its options, its words, its usage line, and the parsing that they share. Pure.
import { parseArgs } from 'node:util'
import { type Options, refuse, UsageError, type ValuesOf } from './options.ts'

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

export interface Command<Parsed> {
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
): {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: string[]
} => {
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

// Reads and edits the text of a cargo config: its build folders, and our one entry. Pure.
import { parse, patch } from '@decimalturn/toml-patch'
import { z } from 'zod'
import { byteOrderMark, withoutByteOrderMark } from '../base/byte-order-mark.ts'
import { messageOf } from '../base/error-message.ts'

const IncludeSchema = z.union([z.string(), z.looseObject({ path: z.string() })])
const CargoConfigSchema = z.looseObject({
  include: z.union([z.string(), z.array(IncludeSchema)]).optional(),
  build: z
    .looseObject({ 'build-dir': z.string().optional(), 'target-dir': z.string().optional() })
    .optional(),
})
type CargoConfig = z.infer<typeof CargoConfigSchema>

export interface CargoBuildSettings {
  readonly buildDir: string | null
  readonly targetDir: string | null
  /** Paths of included files, as written. */
  readonly includes: readonly string[]
}

export type CargoConfigReading =
  | { readonly kind: 'settings'; readonly settings: CargoBuildSettings }
  /** Not TOML, or not what cargo accepts; `reason` is for users. */
  | { readonly kind: 'unclear'; readonly reason: string }

export const readCargoConfig = (text: string): CargoConfigReading => {
  try {
    const config = parseConfig(text)
    return {
      kind: 'settings',
      settings: {
        buildDir: config.build?.['build-dir'] ?? null,
        targetDir: config.build?.['target-dir'] ?? null,
        includes: includesOf(config).map(pathOf),
      },
    }
  } catch (error) {
    return { kind: 'unclear', reason: messageOf(error) }
  }
}

const parseConfig = (text: string): CargoConfig => {
  const result = CargoConfigSchema.safeParse(parseToml(text))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new Error(`${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'not what cargo accepts'}`)
}

/** Real ones have a few KB. toml-patch 3.3.0 takes 2 s of CPU for a broken text of twice as many, which grows by the square. */
const mostCharacters = 65_536

/** The parser's message continues with a picture of the place; its first line names the place. */
const parseToml = (text: string): unknown => {
  if (text.length > mostCharacters)
    throw new Error(`it has ${text.length} characters; at most ${mostCharacters} are read`)
  try {
    return parse(withoutByteOrderMark(text))
  } catch (error) {
    throw new Error(messageOf(error).split('\n')[0] ?? 'not TOML')
  }
}

const includesOf = ({ include }: CargoConfig): readonly z.infer<typeof IncludeSchema>[] =>
  include === undefined ? [] : typeof include === 'string' ? [include] : include

const pathOf = (entry: z.infer<typeof IncludeSchema>): string =>
  typeof entry === 'string' ? entry : entry.path

/** Our entry: the form for cargo 1.94 and later, or the one that 1.91 to 1.93 need instead. */
export type CargoEntry =
  | { readonly kind: 'include'; readonly path: string }
  | { readonly kind: 'build-dir'; readonly value: string }

const note: Readonly<Record<CargoEntry['kind'], string>> = {
  include:
    '# Opta Nexus: builds go to the RAM disk while it is mounted, and to target/ as ever while it is not (nexus forge disable)',
  'build-dir': '# Opta Nexus: builds go to the RAM disk, and only while it is mounted (nexus forge disable)',
}

/** Two lines for the top of a file, where a key belongs to no table. */
const linesOf = (entry: CargoEntry): string =>
  entry.kind === 'include'
    ? `${note.include}\ninclude = [{ path = ${JSON.stringify(entry.path)}, optional = true }]\n`
    : `${note['build-dir']}\nbuild.build-dir = ${JSON.stringify(entry.value)}\n`

/**
 * The text with our entry added and every other character unchanged. Throws when the text is not a cargo config, or when
 * the result would not parse as intended.
 */
export const addEntry = (text: string, entry: CargoEntry): string =>
  behindMark(text, (rest) => addToText(rest, entry))

/** Our lines come first, but after a byte order mark, which must stay the first character. */
const behindMark = (text: string, edit: (rest: string) => string): string =>
  text.startsWith(byteOrderMark) ? `${byteOrderMark}${edit(withoutByteOrderMark(text))}` : edit(text)

const addToText = (text: string, entry: CargoEntry): string => {
  const config = parseConfig(text)
  const added = insert(text, config, entry)
  if (!hasEntry(added, entry)) throw new Error('could not add the entry: edit the file by hand')
  return added
}

const insert = (text: string, config: CargoConfig, entry: CargoEntry): string => {
  if (entry.kind === 'include') {
    if (config.include === undefined) return `${linesOf(entry)}${text}`
    const include = [...includesOf(config), { path: entry.path, optional: true }]
    return patch(text, { ...config, include })
  }
  // A dotted key and a [build] table in one file would define it twice (toml.io v1.0.0, Table).
  if (config.build === undefined) return `${linesOf(entry)}${text}`
  return patch(text, { ...config, build: { ...config.build, 'build-dir': entry.value } })
}

/** The text without our entry; identical to the original if it has not been edited since. */
export const removeEntry = (text: string, entry: CargoEntry): string =>
  behindMark(text, (rest) => removeFromText(rest, entry))

const removeFromText = (text: string, entry: CargoEntry): string => {
  const lines = linesOf(entry)
  if (text.includes(lines)) return text.replace(lines, '')
  const { include, build, ...rest } = parseConfig(text)
  const config = { include, build, ...rest }
  if (!hasEntry(text, entry)) return text
  if (entry.kind === 'include') {
    const left = includesOf(config).filter((one) => pathOf(one) !== entry.path)
    const others = build === undefined ? rest : { ...rest, build }
    return patch(text, left.length === 0 ? others : { include: left, ...others })
  }
  const { 'build-dir': _, ...otherBuild } = build ?? {}
  return patch(text, { ...(include === undefined ? {} : { include }), build: otherBuild, ...rest })
}

export const hasEntry = (text: string, entry: CargoEntry): boolean => {
  const reading = readCargoConfig(text)
  if (reading.kind === 'unclear') return false
  const { includes, buildDir } = reading.settings
  return entry.kind === 'include' ? includes.includes(entry.path) : buildDir === entry.value
}

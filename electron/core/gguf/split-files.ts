// Models in parts (`name-00001-of-00003.gguf`): which files belong together.

type SplitName = NonNullable<ReturnType<typeof parseSplitName>>

const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s
/** Five digits would allow 99,999; the largest published models come in a few dozen parts. */
export const maxParts = 1024

/** `part` counts from 1, as in the name. */
export function parseSplitName(path: string) {
  const match = splitName.exec(path)
  if (match?.[1] === undefined) return null
  const name = { prefix: match[1], part: Number(match[2]), parts: Number(match[3]) }
  return name.part >= 1 && name.part <= name.parts ? name : null
}

/** The path without `-00001-of-00003.gguf` or `.gguf`: equal for all parts of a model, and for the one file of it. */
export const modelStem = (path: string): string => parseSplitName(path)?.prefix ?? path.replace(/\.gguf$/, '')

export function splitPath(name: SplitName, part: number): string {
  const digits = (value: number): string => String(value).padStart(5, '0')
  return `${name.prefix}-${digits(part)}-of-${digits(name.parts)}.gguf`
}

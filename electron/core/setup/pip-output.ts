// Parses the output of `pip install`: what it is fetching, and its progress through a locked set of requirements.

export type PipLine =
  | { readonly kind: 'collecting'; readonly name: string }
  | { readonly kind: 'downloading'; readonly file: string; readonly size: string | null }
  /** A requirement whose marker excludes this machine, so one fewer is expected. */
  | { readonly kind: 'ignoring' }
  | { readonly kind: 'installing' }
  | { readonly kind: 'other' }

/** Seen with pip 23.0 to 26: `Collecting a==1 (from -r f (line 3))`, `  Downloading a-1.whl (12 kB)`, `Ignoring a: markers ...`. */
export const parsePipLine = (line: string): PipLine => {
  const collecting = /^Collecting ([A-Za-z0-9._-]+)/.exec(line)
  if (collecting?.[1] !== undefined) return { kind: 'collecting', name: collecting[1] }
  const downloading = /^\s+Downloading (?:\S*\/)?([^/\s]+)(?: \(([^)]+)\))?/.exec(line)
  if (downloading?.[1] !== undefined)
    return { kind: 'downloading', file: downloading[1], size: downloading[2] ?? null }
  if (line.startsWith('Ignoring ')) return { kind: 'ignoring' }
  if (line.startsWith('Installing collected packages')) return { kind: 'installing' }
  return { kind: 'other' }
}

/** How many packages a locked requirements file has, ignoring markers. */
export const countRequirements = (requirements: string): number =>
  requirements.split('\n').filter((line) => /^[A-Za-z0-9][A-Za-z0-9._-]*==/.test(line)).length

export interface PipProgress {
  readonly message: string
  readonly done: number
  readonly total: number
}

/** The returned function converts each line to progress; null when the line changes nothing. */
export const createPipProgress = (
  what: string,
  requirements: string,
): ((line: string) => PipProgress | null) => {
  let total = countRequirements(requirements)
  let collected = 0
  return (line) => {
    const parsed = parsePipLine(line)
    switch (parsed.kind) {
      case 'ignoring':
        total -= 1
        return null
      case 'collecting':
        // pip may print a package twice (again as a dependency), so the count is capped at the total.
        collected = Math.min(collected + 1, total)
        return { message: `Fetching ${what}: ${parsed.name}`, done: collected, total }
      case 'downloading':
        return {
          message: `Downloading ${what}: ${parsed.file.split('-')[0]}${parsed.size === null ? '' : `, ${parsed.size}`}`,
          done: collected,
          total,
        }
      case 'installing':
        return { message: `Unpacking ${what}`, done: total, total }
      case 'other':
        return null
    }
  }
}

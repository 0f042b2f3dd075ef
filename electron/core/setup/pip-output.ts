// Turns the output of `pip install` into progress through a locked set of requirements.

/** How many packages a locked requirements file has, ignoring markers. */
export const countRequirements = (requirements: string): number =>
  requirements.split('\n').filter((line) => /^[A-Za-z0-9][A-Za-z0-9._-]*==/.test(line)).length

export interface PipProgress {
  readonly message: string
  readonly done: number
  readonly total: number
}

/**
 * The returned function converts each line to progress; null when the line changes nothing. Seen with pip 23.0 to 26:
 * `Collecting a==1 (from -r f (line 3))`, `  Downloading a-1.whl (12 kB)`, `Ignoring a: markers ...`.
 */
export const createPipProgress = (
  what: string,
  requirements: string,
): ((line: string) => PipProgress | null) => {
  let total = countRequirements(requirements)
  let done = 0
  return (line) => {
    // A requirement whose marker excludes this machine.
    if (line.startsWith('Ignoring ')) total -= 1
    const name = /^Collecting ([A-Za-z0-9._-]+)/.exec(line)?.[1]
    if (name !== undefined) {
      // pip may print a package twice (again as a dependency), so the count is capped at the total.
      done = Math.min(done + 1, total)
      return { message: `Fetching ${what}: ${name}`, done, total }
    }
    const [, file, size] = /^\s+Downloading (?:\S*\/)?([^/\s]+)(?: \(([^)]+)\))?/.exec(line) ?? []
    if (file !== undefined)
      return {
        message: `Downloading ${what}: ${file.split('-')[0]}${size === undefined ? '' : `, ${size}`}`,
        done,
        total,
      }
    return line.startsWith('Installing collected packages')
      ? { message: `Unpacking ${what}`, done: total, total }
      : null
  }
}

// Parses one build's `llama-server --help`: flags, aliases, allowed values, defaults.

export interface LlamaFlag {
  /** Every spelling, in the order listed: `-ctk`, `--cache-type-k`; for switches the `--no-` forms too. */
  readonly spellings: readonly string[]
  /** The placeholder after the spellings (`TYPE`, `[on|off|auto]`); null for a switch. */
  readonly metavar: string | null
  readonly text: string
  /** Listed, but an error to use: "the argument has been removed" (--draft-max in b10068 and b10434). */
  readonly removed: boolean
  readonly deprecated: boolean
}

export type LlamaCapabilities = ReturnType<typeof createCapabilities>

/** Both recorded builds print 54 to 57 KB and 240 entries; a different program's output must not exhaust memory. */
const maxHelpCharacters = 1_000_000

/** null when the text is not llama-server's help. */
export function parseLlamaHelp(text: string, version: string | null = null): LlamaCapabilities | null {
  const flags: LlamaFlag[] = []
  let head: { spellings: string[]; metavar: string | null } | null = null
  let lines: string[] = []
  const close = () => {
    if (head === null) return
    const entry = lines.join('\n')
    flags.push({
      ...head,
      text: entry,
      removed: /the argument has been removed/.test(entry.replace(/\s+/g, ' ')),
      deprecated: /DEPRECATED/.test(entry),
    })
    head = null
    lines = []
  }
  for (const line of text.slice(0, maxHelpCharacters).split(/\r?\n/)) {
    if (/^--?[A-Za-z]/.test(line)) {
      close()
      const parsed = parseEntryHead(line)
      head = { spellings: parsed.spellings, metavar: parsed.metavar }
      if (parsed.text !== '') lines.push(parsed.text)
    } else if (/^-{5} /.test(line)) close()
    else if (head !== null) lines.push(line.trim())
  }
  close()
  const capabilities = createCapabilities(flags, version)
  const isServer = ['--model', '--port', '--host', '--ctx-size'].every(capabilities.supports)
  return isServer ? capabilities : null
}

/** `-ctk,  --cache-type-k TYPE              KV cache ...`: two or more spaces end the placeholder. */
function parseEntryHead(line: string): { spellings: string[]; metavar: string | null; text: string } {
  const spellings: string[] = []
  let rest = line
  for (;;) {
    const match = /^(--?[A-Za-z][\w.-]*)(,?)/.exec(rest)
    if (match === null) break
    spellings.push(match[1] ?? '')
    rest = rest.slice(match[0].length)
    if (match[2] !== ',') break
    rest = rest.trimStart()
  }
  if (rest.startsWith('  ') || rest.trim() === '') return { spellings, metavar: null, text: rest.trim() }
  const [metavar = '', ...text] = rest.trimStart().split(/ {2,}/)
  return { spellings, metavar: metavar.trim(), text: text.join(' ').trim() }
}

function createCapabilities(flags: readonly LlamaFlag[], version: string | null) {
  const bySpelling = new Map<string, LlamaFlag>()
  for (const flag of flags) for (const spelling of flag.spellings) bySpelling.set(spelling, flag)
  const find = (flag: string): LlamaFlag | null => bySpelling.get(flag) ?? null
  const supports = (flag: string) => {
    const entry = find(flag)
    return entry !== null && !entry.removed
  }
  return {
    /** First line of `--version`, for display only; builds are never compared by it. */
    version,
    flags,
    find,
    supports,
    /** null when the build does not list the values, or lacks the flag. */
    allowedValues: (flag: string): readonly string[] | null => {
      const entry = find(flag)
      return entry === null || entry.removed ? null : listedValues(entry)
    },
    /** How many of the following arguments belong to the flag; null when the flag is unknown. */
    valueCount: (flag: string): number | null => {
      const entry = find(flag)
      if (entry === null) return null
      if (entry.metavar === null) return 0
      return /^[A-Z]+ [A-Z]+$/.test(entry.metavar) ? 2 : 1
    },
    /** The text of `(default: ...)` up to the first comma; null when there is none. */
    defaultOf: (flag: string): string | null =>
      /\(default:\s*([^,)\n]+)/.exec(find(flag)?.text ?? '')?.[1]?.trim() ?? null,
    /** The first of these spellings that this build supports. */
    firstSupported: (spellings: readonly string[]): string | null => spellings.find(supports) ?? null,
  }
}

/** llama-server treats underscores in long flags as dashes (common/arg.cpp). */
export const spelledAsListed = (word: string): string =>
  word.startsWith('--') ? word.replaceAll('_', '-') : word

/** Values are in the placeholder (`[on|off|auto]`, `{a,b}`, `a,b,c`) or after "allowed values:". */
function listedValues(flag: LlamaFlag): readonly string[] | null {
  const listed = /allowed values:([^(]*)/.exec(flag.text)?.[1]
  if (listed !== undefined) return splitValues(listed, /,/)
  const metavar = flag.metavar
  if (metavar === null || metavar.includes('..')) return null
  const bracketed = /^[[{<](.*)[\]}>]$/.exec(metavar)?.[1]
  if (bracketed?.includes('|')) return splitValues(bracketed, /\|/)
  if (metavar.startsWith('{')) return splitValues(bracketed ?? '', /,/)
  return /^[a-z0-9-]+(,[a-z0-9-]+)+$/.test(metavar) ? splitValues(metavar, /,/) : null
}

const splitValues = (text: string, separator: RegExp) =>
  text
    .split(separator)
    .map((value) => value.trim())
    .filter((value) => value !== '')

// Why the dynamic loader refused to run a program, from its output. Pure.

interface Refusal {
  readonly pattern: RegExp
  readonly say: (match: RegExpExecArray, log: readonly string[]) => string
}

/**
 * dyld's messages come from public reports: ggml-org/llama.cpp#11083 and #11321 (a library), gpustack/gpustack#2447 (a
 * symbol, macOS 15), chapel-lang/chapel#25097 (in brackets, macOS 12), yoshoku/llama_cpp.rb#14 (no name at all),
 * AutoFFI#11 (without a pid, before macOS 12). glibc's: ld.so(8) and ggml-org/llama.cpp#23163; musl's: #19755.
 */
const refusals: readonly Refusal[] = [
  {
    pattern: /error while loading shared libraries: (\S+?): (.*)/,
    say: ([, library, why]) => `needs the library ${library}, which cannot be loaded (${why})`,
  },
  {
    pattern: /^Error loading shared library (\S+?): (.*)/,
    say: ([, library, why]) => `needs the library ${library}, which cannot be loaded (${why})`,
  },
  {
    pattern: /\bdyld(?:\[\d+\])?: Library not loaded: (\S.*)/,
    say: ([, library], log) => `needs the library ${library}, which cannot be loaded (${whyNotLoaded(log)})`,
  },
  {
    pattern: /\bdyld(?:\[\d+\])?: (?:[a-z -]+: )?(?:weak-def )?[Ss]ymbol not found:? [('"]?([^\s)'"]+)/,
    say: ([, symbol], log) => {
      const library = /Expected in:\s+(?:<[0-9A-F-]+> )?['"]?([^'"]+)/.exec(
        findLine(log, 'Expected in:'),
      )?.[1]
      return `does not fit the libraries beside it: ${library ?? 'one of them'} lacks ${symbol}`
    },
  },
  {
    pattern: /\bdyld(?:\[\d+\])?: missing (?:lazy )?symbol called/,
    say: () => 'does not fit the libraries beside it: one of them lacks a function that it calls',
  },
  {
    pattern: /symbol lookup error: (\S+): undefined symbol: ([^\s,]+)/,
    say: ([, , symbol]) => `does not fit the libraries beside it: none of them has ${symbol}`,
  },
  {
    pattern: /^Error relocating (\S+): (\S+): symbol not found/,
    say: ([, , symbol]) => `does not fit the libraries beside it: none of them has ${symbol}`,
  },
  {
    pattern: /version [`']([^']+)' not found \(required by/,
    say: ([, version]) => `was built for a newer system, which has ${version}`,
  },
  {
    pattern: /cannot execute binary file|Exec format error|Bad CPU type in executable/,
    say: () => 'was built for another kind of processor',
  },
  // dyld prints nothing else unless the program cannot run.
  { pattern: /^dyld(?:\[\d+\])?: (\S.*)/, say: ([, said]) => `cannot be loaded (${said})` },
]

const maxWhatCharacters = 300

/** @param log the program's output, oldest line first. null: no complaint from the loader. */
export const findLoaderFailure = (log: readonly string[]) => {
  for (const { pattern, say } of refusals) {
    const index = log.findLastIndex((line) => pattern.test(line))
    const match = pattern.exec(log[index] ?? '')
    if (match === null) continue
    const about = log.slice(index, index + 4)
    return {
      /** The fault, as the end of a sentence that starts with the program. */
      what: say(match, about).slice(0, maxWhatCharacters),
      /** The files named belong to Homebrew, so `brew reinstall` fixes it. */
      isHomebrew: about.some((line) => /\/homebrew\/|\/Cellar\/|\/usr\/local\/opt\//.test(line)),
    }
  }
  return null
}

const findLine = (log: readonly string[], words: string): string =>
  log.find((line) => line.includes(words)) ?? ''

/** `Reason: tried: 'A' (why), 'B' (why)`: the reason for refusing an existing file says more than the paths without one. */
const whyNotLoaded = (log: readonly string[]): string => {
  const reason = findLine(log, 'Reason:')
  const refused = /\((?:mach-o file, but is )?(?:an )?(incompatible architecture[^)]*)/.exec(reason)?.[1]
  if (refused !== undefined) return refused
  if (/code signature|not valid for use in process/.test(reason)) return 'macOS refuses its signature'
  return reason === '' || /no such file|image not found/.test(reason) ? 'no such file' : reason.trim()
}

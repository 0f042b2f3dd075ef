// Says in plain words why llama-server ended, from its exit status and the lines of its log that tell.
import { formatBytes } from '../memory-plan/format-bytes.ts'
import type { ExitExplanation, ExitReport } from './child-service.ts'

interface Cause {
  readonly pattern: RegExp
  readonly permanent: boolean
  readonly say: (match: RegExpExecArray, log: readonly string[]) => string
}

const maxLines = 400
const maxLineCharacters = 500

export function explainLlamaExit(report: ExitReport): ExitExplanation {
  const log = report.logTail.slice(-maxLines).map(withoutPrefix)
  for (const cause of causes) {
    const match = findLast(log, cause.pattern)
    if (match !== null) return { reason: cause.say(match, log), permanent: cause.permanent }
  }
  return explainStatus(report, log)
}

/** Ordered: what caused a failure stands before what followed from it. Texts from recorded starts of b10068 and b10434. */
const causes: readonly Cause[] = [
  {
    pattern: /error while loading shared libraries: (\S+?):/,
    permanent: true,
    say: ([, library]) => `llama-server needs the library ${library}, which this machine does not have.`,
  },
  {
    pattern: /dyld\[\d+\]: Library not loaded: (\S+)/,
    permanent: true,
    say: ([, library]) => `llama-server needs the library ${library}, which this machine does not have.`,
  },
  {
    pattern: /^error: invalid argument: (\S+)/,
    permanent: true,
    say: ([, flag]) => `This build of llama-server does not know the flag ${flag}.`,
  },
  {
    pattern: /^error while handling argument "--api-key-file": (.+)/,
    permanent: true,
    say: ([, why]) => `llama-server cannot read its API key file (${why}).`,
  },
  {
    pattern: /^error while handling argument "--chat-template-file": (.+)/,
    permanent: true,
    say: ([, why]) => `llama-server cannot read the chat template file (${why}).`,
  },
  {
    pattern: /^error while handling argument "([^"]+)": (the argument has been removed\.?.*)/,
    permanent: true,
    say: ([, flag, why]) => `This build of llama-server no longer has the flag ${flag} (${why}).`,
  },
  {
    pattern: /^error while handling argument "([^"]+)": (.+)/,
    permanent: true,
    say: ([, flag, why]) => `llama-server refuses the value of ${flag}: ${why}.`,
  },
  {
    // Not permanent: it is often our own server before, or someone's, on its way out; the bind comes before the load.
    pattern: /couldn't bind HTTP server socket, hostname: (.+), port: (\d+)/,
    permanent: false,
    say: ([, host, port]) =>
      ['0.0.0.0', '127.0.0.1', 'localhost', '::', '::1'].includes(host ?? '')
        ? `Port ${port} is in use by another program, so llama-server could not listen on ${host}:${port}.`
        : `llama-server could not listen on ${host}:${port}: the port is in use, or ${host} is not an address of this machine.`,
  },
  {
    pattern: /Insufficient Memory \(0*8:kIOGPUCommandBufferCallbackErrorOutOfMemory\)/,
    permanent: false,
    say: ([line]) => `The GPU ran out of memory (${line}); a smaller context or fewer GPU layers need less.`,
  },
  {
    pattern: /failed to initialize the context: failed to allocate buffer for kv cache/,
    permanent: true,
    say: ([line], log) => `The KV cache did not fit in memory${neededBytes(log)}: ${line}.`,
  },
  {
    pattern: /(?:quantized V cache requires flash_attn|V cache quantization requires flash_attn).*/,
    permanent: true,
    say: ([line]) => `A quantized V cache needs flash attention, which is off: ${line}.`,
  },
  {
    pattern: /failed to load draft model, '(.+)'/,
    permanent: true,
    say: ([, path], log) => `The draft model ${path} could not be loaded: ${whyModelFailed(log)}.`,
  },
  {
    pattern: /unable to allocate (\S+) buffer/,
    permanent: true,
    say: ([line], log) => `The model did not fit in memory${neededBytes(log)}: ${line}.`,
  },
  {
    pattern: /(?:failed to load model, |failed to load model )'(.+)'/,
    permanent: true,
    say: ([, path], log) => `The model ${path} could not be loaded: ${whyModelFailed(log)}.`,
  },
  {
    pattern: /failed to allocate \S+ buffer of size (\d+)/,
    permanent: true,
    say: ([line], log) => `llama-server could not get the memory it needs${neededBytes(log)}: ${line}.`,
  },
  {
    pattern: /GGML_ASSERT\(.*/,
    permanent: false,
    say: ([line]) => `llama-server gave up on a failed check of its own: ${line}.`,
  },
]

/** The most telling of the lines that llama.cpp prints about a model file. */
function whyModelFailed(log: readonly string[]): string {
  for (const [pattern, say] of modelFaults) {
    const match = findLast(log, pattern)
    if (match !== null) return say(match)
  }
  const last = findLast(log, /error loading model: (.+)/)
  return last?.[1] ?? 'llama-server gave no reason'
}

const modelFaults: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/failed to open GGUF file '.*' \((.+)\)/, ([, why]) => `the file cannot be opened (${why})`],
  [
    /invalid magic characters: (.+), expected 'GGUF'/,
    ([, found]) => `it is not a GGUF file (it begins with ${found})`,
  ],
  [/failed to read magic/, () => 'it is empty or not a file'],
  [
    /tensor '(.+)' data is not within the file bounds/,
    () =>
      'the file is cut off, so the download was probably not finished (data is not within the file bounds)',
  ],
  [
    /(this GGUF file is version \d+ but this software only supports up to version \d+)/,
    ([, why]) => why ?? '',
  ],
  [
    /failed to read (header|key-value pairs|tensor info)/,
    ([line]) => `the file is damaged or cut off (${line})`,
  ],
  [/(unknown model architecture: .+)/, ([, why]) => `this build is too old or too new for it (${why})`],
]

function explainStatus(report: ExitReport, log: readonly string[]): ExitExplanation {
  const last = log.findLast((line) => line.trim() !== '')
  const ending = last === undefined ? 'It wrote no log.' : `Its last line: ${last}`
  const signal = report.signal ?? signalOfStatus(report.exitCode)
  if (signal !== null) {
    const known = signals[signal]
    const what = known?.what ?? `was ended by ${signal}`
    return { reason: `llama-server ${what}. ${ending}`, permanent: known?.permanent ?? false }
  }
  if (report.exitCode === null) {
    return { reason: `llama-server ended; its exit status is not known. ${ending}`, permanent: false }
  }
  return { reason: `llama-server ended with status ${report.exitCode}. ${ending}`, permanent: false }
}

const signals: Readonly<Record<string, { readonly what: string; readonly permanent: boolean }>> = {
  SIGKILL: {
    what: 'was killed from outside (SIGKILL), which the system does when memory runs out',
    permanent: false,
  },
  SIGTERM: { what: 'was told to end from outside (SIGTERM)', permanent: false },
  SIGSEGV: { what: 'crashed (SIGSEGV, a memory error in the program)', permanent: false },
  SIGBUS: { what: 'crashed (SIGBUS): a file it had mapped changed or could not be read', permanent: false },
  SIGABRT: { what: 'gave up (SIGABRT)', permanent: false },
  SIGILL: {
    what: 'crashed (SIGILL): this build uses CPU instructions that this machine lacks',
    permanent: true,
  },
}

/** A shell in between reports signal N as status 128 + N. */
function signalOfStatus(exitCode: number | null): string | null {
  const names: Readonly<Record<number, string>> = {
    132: 'SIGILL',
    134: 'SIGABRT',
    137: 'SIGKILL',
    139: 'SIGSEGV',
    143: 'SIGTERM',
  }
  return exitCode === null ? null : (names[exitCode] ?? null)
}

function neededBytes(log: readonly string[]): string {
  const bytes = Number(findLast(log, /failed to allocate (?:\S+ )?buffer of size (\d+)/)?.[1])
  return Number.isFinite(bytes) && bytes > 0 ? ` (${formatBytes(bytes)} in one piece)` : ''
}

function findLast(log: readonly string[], pattern: RegExp): RegExpExecArray | null {
  for (const line of log.toReversed()) {
    const match = pattern.exec(line)
    if (match !== null) return match
  }
  return null
}

/** `0.00.026.542 E srv         start: ` tells nobody but us anything. */
const withoutPrefix = (line: string) =>
  line
    .slice(0, maxLineCharacters)
    .trimEnd()
    .replace(/^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] /, '')

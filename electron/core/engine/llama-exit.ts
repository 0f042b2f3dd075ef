// Explains in plain words why llama-server exited, from its exit status and its log.
import { constants } from 'node:os'
import { formatBytes } from '../base/format-bytes.ts'
import { type ExitExplanation, type ExitReport, outsideSignals } from '../supervise/child-service.ts'
import { findLoaderFailure } from '../supervise/loader-failure.ts'

/** $1 is the pattern's first group, $0 all that it matched. */
type Say = string | ((match: RegExpExecArray, log: readonly string[]) => string)

/**
 * `mayPass`: a retry may help. `inService`: it can also end a server that was ready; the others only fail a start.
 */
type Cause = readonly [
  pattern: RegExp,
  say: Say,
  traits?: { readonly mayPass?: true; readonly inService?: true },
]

const maxLines = 1000
const maxLineCharacters = 500

/** @param served whether this run was ever ready; the log's tail may not show it */
export function explainLlamaExit(report: ExitReport, served = false): ExitExplanation {
  const log = report.logTail.slice(-maxLines).map(withoutPrefix)
  const signal = report.signal ?? signalOfStatus(report.exitCode)
  // A process can't log a reason for these signals, so its log is about something else.
  if (signal !== null && outsideSignals.has(signal)) return explainStatus(report, log)
  const hasServed = served || log.some(isSignOfLife)
  const said = hasServed ? log.slice(log.findLastIndex(isSignOfLife) + 1) : log
  const unloadable = findLoaderFailure(said)
  if (unloadable !== null) {
    return {
      reason: `llama-server ${unloadable.what}; ${mendInstall(unloadable.isHomebrew)}.`,
      permanent: true,
    }
  }
  for (const [pattern, say, { mayPass = false, inService = false } = {}] of causes) {
    if (hasServed && !inService) continue
    const match = findLast(said, pattern)
    // If it loaded once, it can load again.
    if (match !== null) return { reason: sayIn(say, match, said), permanent: !mayPass && !hasServed }
  }
  if (hasServed && signal === null && isOrderly(said)) {
    return {
      reason: 'llama-server was stopped by something other than Nexus and shut down cleanly.',
      permanent: false,
    }
  }
  return explainStatus(report, log)
}

/** Homebrew's ggml has been a separate formula since March 2026 (Homebrew/homebrew-core#272826), and may lag behind. */
export const mendInstall = (isHomebrew: boolean): string =>
  isHomebrew
    ? 'mend it with: brew reinstall ggml llama.cpp'
    : 'reinstall llama.cpp completely, from a single release'

/**
 * Lines that only a ready server prints. Not "HTTP server is listening": builds up to 2025 print that before loading; not
 * "model loaded": the chat template is tried after it and may fail; not a request's line: /health is answered during
 * loading, too.
 */
const isSignOfLife = (line: string): boolean =>
  /\blistening on https?:|all slots are idle|^slot\s+[^:]{1,40}: id\s+\d+ \| task \d+ \|/.test(line)

/** Printed when a signal ends the main loop, and after a failed start (b10068, b10434). */
const isOrderly = (log: readonly string[]): boolean =>
  log.some((line) => line.includes('cleaning up before exit'))

const sayIn = (say: Say, match: RegExpExecArray, log: readonly string[]): string =>
  typeof say === 'string' ? say.replace(/\$(\d)/g, (_, group) => match[group] ?? '') : say(match, log)

/** Ordered: a cause comes before its consequences. Texts from recorded starts of b10068 and b10434. */
const causes: readonly Cause[] = [
  [/^error: invalid argument: (\S+)/, 'This build of llama-server does not know the flag $1.'],
  [
    /^error while handling argument "([^"]+)": (the argument has been removed\.?.*)/,
    'This build of llama-server no longer has the flag $1 ($2).',
  ],
  [/^error while handling argument "([^"]+)": (.+)/, 'llama-server refuses the value of $1: $2.'],
  [
    // Before loading: "not supported" followed by the whole template, plus the reason on another line, before or after it.
    // After loading: "parsing error" (`init` in server-context.cpp of 2026; builds of 2025 went on with chatml).
    /^error: the supplied chat template is not supported:|\bchat template parsing error:|common_chat_verify_template: failed to apply template|failed to initialize chat template/,
    (_, log) => sayTemplate(log),
  ],
  [
    // Not permanent: often a previous server, ours or not, is still shutting down. The bind comes before the load.
    /couldn't bind HTTP server socket, hostname: (.+), port: (\d+)/,
    ([, host, port]) =>
      ['0.0.0.0', '127.0.0.1', 'localhost', '::', '::1'].includes(host ?? '')
        ? `Port ${port} is in use by another program, so llama-server could not listen on ${host}:${port}.`
        : `llama-server could not listen on ${host}:${port}: the port is in use, or ${host} is not an address of this machine.`,
    { mayPass: true },
  ],
  [
    /(?:Insufficient Memory )?\(0*8:kIOGPUCommandBufferCallbackErrorOutOfMemory\)/,
    'The GPU ran out of memory ($0); a smaller context or fewer GPU layers need less.',
    { mayPass: true, inService: true },
  ],
  [
    /[A-Z][\w ]*\([0-9a-f]{8}:kIOGPUCommandBufferCallbackError\w+\)/,
    'The GPU did not finish its work ($0).',
    { mayPass: true, inService: true },
  ],
  [
    /failed to initialize the context: failed to allocate buffer for kv cache/,
    ([line], log) => `The KV cache did not fit in memory${neededBytes(log)}: ${line}.`,
  ],
  [
    /(?:quantized V cache requires flash_attn|V cache quantization requires flash_attn).*/,
    'A quantized V cache needs flash attention, which is off: $0.',
  ],
  [
    /failed to load draft model, '(.+)'/,
    ([, path], log) => `The draft model ${path} could not be loaded: ${whyModelFailed(log)}.`,
  ],
  [
    // Builds of early 2025; later ones translate its tokens, or start without it.
    /the draft model '(.+)' is not compatible with the target model '[^']+'$/,
    'The draft model $1 has a different vocabulary from the model, so it cannot draft for it.',
  ],
  [/failed to create (?:MTP|draft) context/, 'The draft model could not be used: $0.'],
  [
    /unable to allocate (\S+) buffer/,
    ([line], log) => `The model did not fit in memory${neededBytes(log)}: ${line}.`,
  ],
  [
    /(?:failed to load model, |failed to load model )'(.+)'/,
    ([, path], log) => `The model ${path} could not be loaded: ${whyModelFailed(log)}.`,
  ],
  [
    /failed to allocate \S+ buffer of size (\d+)/,
    ([line], log) => `llama-server could not get the memory it needs${neededBytes(log)}: ${line}.`,
    { inService: true },
  ],
  [
    // ggml-metal's and ggml-cuda's words for it.
    /failed to allocate buffer, size =\s*[\d.]+ MiB|cudaMalloc failed: out of memory/,
    'llama-server could not get the memory it needs: $0.',
    { inService: true },
  ],
  [
    // An uncaught exception: libc++ prints it on one line, libstdc++ on a second one.
    /libc\+\+abi: terminating .*exception.*|^\s*what\(\):\s+.+/,
    ([line]) => `llama-server aborted on an unexpected error: ${line.trim()}.`,
    { mayPass: true, inService: true },
  ],
  [
    // ggml_abort prints its place first, as in metal-2026-oom-warmup-abort.
    /GGML_ASSERT\(.*|^\S+\.(?:c|cpp|h|m|mm|cu):\d+: .+/,
    'llama-server aborted on a failed internal check: $0.',
    { mayPass: true, inService: true },
  ],
]

const sayTemplate = (log: readonly string[]): string =>
  `llama-server cannot apply the chat template: ${whyTemplateFailed(log)}. Set llamaServer.chatTemplate to another one.`

/** Builds of 2026 print the reason below an excerpt of the template; "std::exception" says nothing (b10068, b10434). */
function whyTemplateFailed(log: readonly string[]): string {
  for (const pattern of [
    /^Error: (.+)/,
    /common_chat_templates_init: error: (.+)/,
    /chat template parsing error: (.*\w.*)/,
    /failed to apply template: (?!std::exception)(?!.*failed:\s*$)(.+)/,
    /(llama\.cpp was started without --jinja.*)/,
  ]) {
    const why = findLast(log, pattern)?.[1]
    if (why !== undefined) return why.replace(/[.\s]+$/, '')
  }
  return 'it gave no reason'
}

/** The most specific line that llama.cpp printed about the model file. */
function whyModelFailed(log: readonly string[]): string {
  const part = findLast(log, /failed to load GGUF split from (.+)/)?.[1]
  const of = part === undefined ? '' : `of its part ${part}: `
  for (const [pattern, say] of modelFaults) {
    const match = findLast(log, pattern)
    if (match !== null) return `${of}${sayIn(say, match, log)}`
  }
  const last = findLast(log, /error loading model: (.+)/)
  return last?.[1] ?? 'llama-server gave no reason'
}

const modelFaults: readonly (readonly [RegExp, string])[] = [
  [/failed to open GGUF file '.*' \((.+)\)/, 'the file cannot be opened ($1)'],
  [/invalid magic characters: (.+), expected 'GGUF'/, 'it is not a GGUF file (it begins with $1)'],
  [/failed to read magic/, 'it is empty or not a regular file'],
  [
    /tensor '(.+)' data is not within the file bounds/,
    'the file is cut off, so the download was probably not finished (data is not within the file bounds)',
  ],
  [/this GGUF file is version \d+ but this software only supports up to version \d+/, '$0'],
  [/failed to read (header|key-value pairs|tensor info)/, 'the file is damaged or cut off ($0)'],
  [
    /no backends are loaded/,
    'llama.cpp is not completely installed: it found none of its backends (libggml-cpu, libggml-metal)',
  ],
  [/unknown model architecture: .+/, 'this build is too old or too new for it ($0)'],
]

function explainStatus(report: ExitReport, log: readonly string[]): ExitExplanation {
  const signal = report.signal ?? signalOfStatus(report.exitCode)
  const how =
    signal !== null
      ? (signals[signal] ?? `was killed by ${signal}`)
      : report.exitCode === null
        ? 'exited; its exit status is unknown'
        : `exited with status ${report.exitCode}`
  const last = log.findLast((line) => line.trim() !== '')
  const ending = last === undefined ? 'It wrote no log.' : `Its last line: ${last}`
  return { reason: `llama-server ${how}. ${ending}`, permanent: signal === 'SIGILL' }
}

const signals: Readonly<Record<string, string>> = {
  SIGKILL: 'was killed from outside (SIGKILL), which the system does when memory runs out',
  SIGTERM: 'was terminated from outside (SIGTERM)',
  SIGSEGV: 'crashed (SIGSEGV, a memory error in the program)',
  SIGBUS: 'crashed (SIGBUS): a file it had mapped changed or could not be read',
  SIGABRT: 'aborted (SIGABRT)',
  SIGILL: 'crashed (SIGILL): this build uses CPU instructions that this machine lacks',
}

/** A shell in between reports signal N as status 128 + N. */
function signalOfStatus(exitCode: number | null): string | null {
  const number = (exitCode ?? 0) - 128
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null
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

/** Drops `0.00.026.542 E `, which means nothing to the reader. */
const withoutPrefix = (line: string) =>
  line
    .slice(0, maxLineCharacters)
    .trimEnd()
    .replace(/^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] /, '')

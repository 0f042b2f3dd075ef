// Why LiteLLM ended, in plain words, from its exit status and log.
import { stripVTControlCharacters } from 'node:util'
import {
  type ExitExplanation,
  type ExitReport,
  explainSignal,
  outsideSignals,
} from '../supervise/child-service.ts'
import { findLoaderFailure } from '../supervise/loader-failure.ts'

/** A pattern, and the reason: $1 is its first group, $0 all that it matched. */
type Symptom = readonly [RegExp, string]

const broken = 'the Python environment of LiteLLM is broken: set it up again'

/**
 * uvicorn's line for an address that it can't bind; our check before it prints the same (opta_litellm.py). uvicorn and asyncio
 * both name the address, in different forms. The numbers are those of Linux and of macOS.
 */
const unbound =
  /^(?:ERROR:\s+|OSError: )(\[Errno (-?\d+)\] (?:error while (?:attempting to bind|looking up host)\b|.*address already in use).*)$/im

const explainUnbound = (log: string): string | null => {
  const [, line, errno = ''] = unbound.exec(log) ?? []
  if (line === undefined) return null
  const [, host, port] = /(?:\(|host )'([^']*)'(?:, (\d+))?/.exec(line) ?? []
  if (['98', '48'].includes(errno))
    return `${port === undefined ? 'its port' : `port ${port}`} is taken by another program: ${line}`
  if (['99', '49'].includes(errno)) return `${host} is not an address of this machine: ${line}`
  if (errno === '13') return `this user may not listen on port ${port}: ${line}`
  return line.includes('looking up host') ? `the host ${host} is unknown: ${line}` : line
}

/**
 * Most specific first. Each searches the whole log tail, because the reason is often in its middle: a taken port is followed
 * by the tracebacks of the tasks that it cancelled (recorded on LiteLLM 1.106.2).
 */
const startSymptoms: readonly Symptom[] = [
  [
    /^yaml\.\w+\.\w+Error: ([^\n]*)\n(?:[^\n]*\n)*?\s+in "([^"]+)", line (\d+), column \d+/m,
    'its configuration is not valid YAML: $1 ($2, line $3)',
  ],
  // Anchored, because the traceback above shows the source line with the same words.
  [/^Exception: Config file not found: ([^\n]*)/m, 'its configuration is missing: $1'],
  [
    /UnsafeMasterKeyError: ([^\n]*?)(?: The fix is printed once the server exits\.)?$/m,
    'it refuses its master key: $1',
  ],
  [
    /ImportError: Could not import (\S+) from (\S+)/,
    'the extension $2.py beside its configuration is missing or has no $1',
  ],
  [/^(?:ModuleNotFoundError|ImportError): ([^\n]*)/m, `${broken} ($1)`],
  [
    /can't open file '([^']*)'|No such file or directory: '([^']*opta_[^']*)'/,
    'a file of ours is missing: $1$2',
  ],
]

/** Reasons that can end it at any time. */
const lackSymptoms: readonly Symptom[] = [
  [/No space left on device/, 'the disk is full: $0'],
  [/^MemoryError\b|Cannot allocate memory/m, 'there was not enough memory: $0'],
]

/**
 * Lines that uvicorn prints only once it serves, and frames of a request's traceback. A failed start prints neither
 * "Shutting down" nor "Finished" (uvicorn/server.py, recorded on LiteLLM 1.106).
 */
const isSignOfService = (line: string): boolean =>
  /^INFO:\s+(?:Uvicorn running on |Shutting down$|Finished server process |\S+:\d+ - "[A-Z]+ \S+ HTTP\/[\d.]+" \d{3})/.test(
    line,
  ) || /^\s+File ".*\/uvicorn\/protocols\/|^\s+File ".*", line \d+, in run_endpoint_function$/.test(line)

const isOrderlyEnd = (line: string): boolean =>
  /^INFO:\s+(?:Shutting down|Finished server process \[\d+\])$/.test(line)

/** @param ready whether this run was ever ready; the tail of its log may not show that */
export const explainLiteLlmExit = (report: ExitReport, ready = false): ExitExplanation => {
  const { signal } = report
  // LiteLLM colours its output even in a file.
  const lines = report.logTail.map((line) => stripVTControlCharacters(line).trimEnd())
  const startFailed = lines.some((line) => /^ERROR:\s+Application startup failed\. Exiting\.$/.test(line))
  const served = !startFailed && (ready || lines.some(isSignOfService))
  // After a normal shutdown uvicorn raises the signal that asked for it again.
  const wasTold = signal === null || (signal !== 'SIGKILL' && outsideSignals.has(signal))
  if (served && wasTold && lines.some(isOrderlyEnd))
    return {
      reason: 'LiteLLM was stopped by something other than Nexus and shut down normally',
      permanent: false,
    }
  // A signal from outside explains more than whatever was in the log when it arrived.
  if (signal !== null && outsideSignals.has(signal)) return explainSignal('LiteLLM', signal)
  // The port's owner may have answered our probe and made LiteLLM look ready: a failed bind counts anyway.
  const whyUnbound = explainUnbound(lines.join('\n'))
  if (whyUnbound !== null) return { reason: `LiteLLM ended: ${whyUnbound}`, permanent: true }
  // A request's error doesn't end the process, so only lines after the last request can say why it ended.
  const said = served ? lines.slice(lines.findLastIndex((line) => /^INFO:\s/.test(line)) + 1) : lines
  const unloadable = findLoaderFailure(said)
  if (unloadable !== null)
    return { reason: `LiteLLM's Python ${unloadable.what}; ${broken}`, permanent: true }
  const whyStart = served ? null : findReason(startSymptoms, said)
  if (whyStart !== null) return { reason: `LiteLLM ended: ${whyStart}`, permanent: true }
  const lack = findReason(lackSymptoms, said)
  if (lack !== null) return { reason: `LiteLLM ended: ${lack}`, permanent: false }
  if (signal !== null) return explainSignal('LiteLLM', signal)
  const how = report.exitCode === null ? 'LiteLLM ended' : `LiteLLM ended with exit status ${report.exitCode}`
  const last = findLastError(said)
  return {
    reason: last === null ? `${how}; its log does not say why` : `${how}: ${last}`,
    // uvicorn's status for a failed start: a retry changes nothing.
    permanent: startFailed,
  }
}

const findReason = (symptoms: readonly Symptom[], lines: readonly string[]): string | null => {
  const text = lines.join('\n')
  for (const [pattern, reason] of symptoms) {
    const match = pattern.exec(text)
    if (match !== null) return reason.replace(/\$(\d)/g, (_, group) => match[group] ?? '')
  }
  return null
}

/** The last line that names an error: a traceback's `SomeError: text`, or uvicorn's `ERROR: text`. */
const findLastError = (lines: readonly string[]): string | null => {
  const named = lines.findLast((line) => /^[\w.]*(?:Error|Exception)\b: \S/.test(line))
  if (named !== undefined) return named
  const logged = lines.findLast((line) => /^ERROR:\s+\S/.test(line) && !line.includes('startup failed'))
  return logged?.replace(/^ERROR:\s+/, '') ?? null
}

// Why LiteLLM ended, in plain words, from its exit status and its log.
import { stripVTControlCharacters } from 'node:util'
import type { ExitExplanation, ExitReport } from './child-service.ts'

interface Symptom {
  readonly pattern: RegExp
  readonly permanent: boolean
  readonly reason: (match: RegExpMatchArray) => string
}

const broken = 'the Python environment of LiteLLM is broken: set it up again'

/**
 * Most specific first. Each reads the whole log tail, since the reason often stands in its middle: a port that is taken
 * is followed by the tracebacks of tasks that were cancelled for it (recorded on LiteLLM 1.106.2).
 */
const startSymptoms: readonly Symptom[] = [
  {
    // 98 on Linux, 48 on macOS. uvicorn and asyncio both name the address, each in its way.
    pattern: /\[Errno (?:98|48)\] error while attempting to bind[^\n]*?\('([^']*)', (\d+)[^)]*\)[^\n]*/,
    permanent: true,
    reason: ([line, , port]) => `port ${port} is taken by another program: ${line}`,
  },
  {
    pattern: /\[Errno (?:98|48)\][^\n]*address already in use[^\n]*/i,
    permanent: true,
    reason: ([line]) => `its port is taken by another program: ${line}`,
  },
  {
    pattern: /\[Errno (?:99|49)\] error while attempting to bind[^\n]*?\('([^']*)', \d+[^)]*\)[^\n]*/,
    permanent: true,
    reason: ([line, host]) => `${host} is not an address of this machine: ${line}`,
  },
  {
    pattern: /\[Errno -?\d+\] error while looking up host '([^']*)'[^\n]*/,
    permanent: true,
    reason: ([line, host]) => `the host ${host} is not known: ${line}`,
  },
  {
    pattern: /\[Errno 13\] error while attempting to bind[^\n]*?\('([^']*)', (\d+)[^)]*\)[^\n]*/,
    permanent: true,
    reason: ([line, , port]) => `this user may not listen on port ${port}: ${line}`,
  },
  {
    pattern: /^yaml\.\w+\.\w+Error: ([^\n]*)\n(?:[^\n]*\n)*?\s+in "([^"]+)", line (\d+), column \d+/m,
    permanent: true,
    reason: ([, problem, file, line]) =>
      `its configuration is not valid YAML: ${problem} (${file}, line ${line})`,
  },
  {
    // Anchored: the traceback above it shows the source line with the same words.
    pattern: /^Exception: Config file not found: ([^\n]*)/m,
    permanent: true,
    reason: ([, path]) => `its configuration is missing: ${path}`,
  },
  {
    pattern: /UnsafeMasterKeyError: ([^\n]*?)(?: The fix is printed once the server exits\.)?$/m,
    permanent: true,
    reason: ([, sentence]) => `it refuses its master key: ${sentence}`,
  },
  {
    pattern: /ImportError: Could not import (\S+) from (\S+)/,
    permanent: true,
    reason: ([, name, module]) =>
      `the extension ${module}.py beside its configuration is missing or has no ${name}`,
  },
  {
    pattern: /^(?:ModuleNotFoundError|ImportError): ([^\n]*)/m,
    permanent: true,
    reason: ([, what]) => `${broken} (${what})`,
  },
  {
    pattern: /can't open file '([^']*)'|No such file or directory: '([^']*opta_[^']*)'/,
    permanent: true,
    reason: ([, opened, missing]) => `a file of ours is missing: ${opened ?? missing}`,
  },
]

/** What can end it at any time. */
const lackSymptoms: readonly Symptom[] = [
  {
    pattern: /No space left on device/,
    permanent: false,
    reason: () => 'the disk is full: No space left on device',
  },
  {
    pattern: /^MemoryError\b|Cannot allocate memory/m,
    permanent: false,
    reason: ([line]) => `there was not enough memory: ${line}`,
  },
]

export const explainLiteLlmExit = (report: ExitReport): ExitExplanation => {
  // A signal tells more than what happened to be in the log when it arrived.
  if (report.signal !== null) return explainSignal(report.signal)
  // LiteLLM colours its output also when that is a file.
  const lines = report.logTail.map((line) => stripVTControlCharacters(line).trimEnd())
  const text = lines.join('\n')
  // Once it has served, a traceback that looks like a failed start belongs to some request.
  const served = text.includes('Uvicorn running on')
  for (const { pattern, permanent, reason } of served ? lackSymptoms : [...startSymptoms, ...lackSymptoms]) {
    const match = text.match(pattern)
    if (match !== null) return { reason: `LiteLLM ended: ${reason(match)}`, permanent }
  }
  const how = report.exitCode === null ? 'LiteLLM ended' : `LiteLLM ended with exit status ${report.exitCode}`
  const last = findLastError(lines)
  // uvicorn's words for a start that failed: nothing changes for the next one.
  const permanent = text.includes('Application startup failed')
  return { reason: last === null ? `${how}; its log does not say why` : `${how}: ${last}`, permanent }
}

const explainSignal = (signal: string): ExitExplanation => ({
  reason:
    signal === 'SIGKILL'
      ? 'LiteLLM was killed (SIGKILL): by somebody, or by the system because memory ran out'
      : `LiteLLM was ended by ${signal}, which Nexus did not send`,
  permanent: false,
})

/** The last line that names an error: `SomeError: text` of a traceback, or `ERROR: text` of uvicorn. */
const findLastError = (lines: readonly string[]): string | null => {
  const named = lines.findLast((line) => /^[\w.]*(?:Error|Exception)\b: \S/.test(line))
  if (named !== undefined) return named
  const logged = lines.findLast((line) => /^ERROR:\s+\S/.test(line) && !line.includes('startup failed'))
  return logged?.replace(/^ERROR:\s+/, '') ?? null
}

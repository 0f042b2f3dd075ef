// Whether the AI Engine drafts as its profile asks: if drafting fails, llama-server starts without it. Pure.
import type { Profile } from '../../contract/profile.ts'
import type { Slot } from '../../contract/snapshot.ts'
import { readEngineModel } from './engine-record.ts'
import { parseLlamaLogLine } from './llama-log.ts'

/** Why the server gave up drafting, in its own words, from the log lines of its start; null when they don't mention it. */
export const findSpeculationFailure = (logLines: readonly string[]): string | null => {
  let reason: string | null = null
  for (const line of logLines) {
    const event = parseLlamaLogLine(line)
    if (event?.kind === 'speculation-failed') reason = event.reason
  }
  return reason
}

export interface SpeculationEvidence {
  readonly wanted: Profile['llamaServer']['speculation']
  /** Of the running server. */
  readonly argv: readonly string[]
  /** null when unknown. */
  readonly slots: readonly Pick<Slot, 'speculative'>[] | null
  /** Result of `findSpeculationFailure`. */
  readonly said: string | null
}

/** One sentence; null when it drafts, was not asked to, or it is unknown. */
export const explainSpeculation = ({ wanted, argv, slots, said }: SpeculationEvidence): string | null => {
  const draftModelPath = readEngineModel(argv)?.draftModelPath ?? null
  const type = argv[argv.lastIndexOf('--spec-type') + 1]
  const isTyped = argv.includes('--spec-type') && type !== 'none'
  if (wanted === 'none' && !isTyped && draftModelPath === null) return null
  // The slots show what really happens; the log may be about a failed attempt before another drafting method worked.
  if (slots?.some(({ speculative }) => speculative === true)) return null
  if (said !== null) return `It generates without drafts: ${said}.`
  if (slots === null || slots.length === 0 || slots.some(({ speculative }) => speculative === null))
    return null
  if (isTyped) return 'It generates without drafts and gives no reason.'
  return draftModelPath === null
    ? 'It generates without drafts: this build of llama-server could not be asked for them (nexus plan says why).'
    : // Loaded but silently never used (ggml-org/llama.cpp#25345; recorded on b10434).
      'It generates without drafts: its command line names a draft model, but no --spec-type that uses it.'
}

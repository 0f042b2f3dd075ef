// Whether the AI Engine drafts as its profile asks: llama-server starts without drafts rather than not at all. Pure.
import type { Profile } from '../../contract/profile.ts'
import type { Slot } from '../../contract/snapshot.ts'
import { parseLlamaLogLine } from './llama-log.ts'
import { readEngineModel } from './llama-running-model.ts'

/** Why the server gave up drafting, in its own words, of the lines of its start; null when it says nothing of it. */
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
  /** Of the server that runs. */
  readonly argv: readonly string[]
  /** null: not read, or not told. */
  readonly slots: readonly Pick<Slot, 'speculative'>[] | null
  /** What `findSpeculationFailure` found. */
  readonly said: string | null
}

/** One sentence; null when it drafts, was not asked to, or does not say whether it does. */
export const explainSpeculation = ({ wanted, argv, slots, said }: SpeculationEvidence): string | null => {
  const draftModelPath = readEngineModel(argv)?.draftModelPath ?? null
  const type = argv[argv.lastIndexOf('--spec-type') + 1]
  const isTyped = argv.includes('--spec-type') && type !== 'none'
  if (wanted === 'none' && !isTyped && draftModelPath === null) return null
  // What the slots say is what happens; the log may be of an attempt that another kind of drafts made up for.
  if (slots?.some(({ speculative }) => speculative === true)) return null
  if (said !== null) return `It generates without drafts: ${said}.`
  if (slots === null || slots.length === 0 || slots.some(({ speculative }) => speculative === null))
    return null
  if (isTyped) return 'It generates without drafts, and does not say why.'
  return draftModelPath === null
    ? 'It generates without drafts: this build of llama-server could not be asked for them (nexus plan says why).'
    : // Loaded and never used, without a word (ggml-org/llama.cpp#25345; recorded on b10434).
      'It generates without drafts: its command line names a draft model, but no --spec-type that uses it.'
}

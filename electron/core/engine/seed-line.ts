// The llama-server line of the owner's start script: what each flag is for, and where ours differs. Pure.
import type { Adaptation } from '../../contract/question.ts'

/** The first spelling is the script's own. */
type SeedFlag = readonly [spellings: readonly string[], value: string | null, purpose: string]

const models = '/Users/Shared/Models'

const seedFlags: readonly SeedFlag[] = [
  [['-m', '--model'], `${models}/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf`, 'The model.'],
  [
    ['-md', '--model-draft', '--spec-draft-model'],
    `${models}/Llama-3.2-3B-Instruct-Q4_K_M.gguf`,
    'The draft model; the model checks several of its guesses at once.',
  ],
  [['-c', '--ctx-size'], '131072', 'Tokens of context, for all slots together.'],
  [['-np', '--parallel'], '4', 'Slots: how many requests run at once.'],
  [['-cb', '--cont-batching'], null, 'A request joins the running batch instead of waiting for it to end.'],
  [['-ngl', '--gpu-layers', '--n-gpu-layers'], '99', 'Layers on the GPU; 99 is all of them.'],
  [
    ['-ctk', '--cache-type-k'],
    'q4_0',
    'Format of keys in the KV cache; 32 of them take 18 bytes as q4_0, 64 as f16.',
  ],
  [['-ctv', '--cache-type-v'], 'q4_0', 'The same for values.'],
  [['--host'], '0.0.0.0', 'The address it listens on.'],
  [['--port'], '8080', 'The port it listens on.'],
]

/** The script's line, unchanged. */
export const seedArgv: readonly string[] = [
  './llama-server',
  ...seedFlags.flatMap(([spellings, value]) =>
    value === null ? spellings.slice(0, 1) : [...spellings.slice(0, 1), value],
  ),
]

export interface SeedFlagUse {
  /** Our flag with its value. */
  readonly ours: string
  readonly purpose: string
  /** The script's flag with its value; null when it is the same as ours. */
  readonly seed: string | null
}

const isFlag = (word: string): boolean => /^--?[a-z]/.test(word)

/** The flags of our line that are also in the script's and that no adaptation explains. */
export const explainSeedFlags = (
  argv: readonly string[],
  adaptations: readonly Adaptation[],
): readonly SeedFlagUse[] => {
  const explained = new Set(adaptations.map(({ ours }) => ours?.split(' ')[0]))
  return argv.flatMap((word, index) => {
    const entry = seedFlags.find(([spellings]) => spellings.includes(word))
    if (entry === undefined || explained.has(word)) return []
    const [[spelling], value, purpose] = entry
    const next = argv[index + 1]
    const ours = value === null || next === undefined || isFlag(next) ? null : next
    return [
      {
        ours: ours === null ? word : `${word} ${ours}`,
        purpose,
        seed: ours === value ? null : [spelling, value].filter((part) => part !== null).join(' '),
      },
    ]
  })
}

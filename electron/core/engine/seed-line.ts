// The llama-server line of the owner's start script: what each flag is for, and where ours differs. Pure.
import type { Adaptation } from '../../contract/question.ts'

interface SeedFlag {
  /** The first is the script's own. */
  readonly spellings: readonly string[]
  readonly value: string | null
  readonly purpose: string
}

const models = '/Users/Shared/Models'

const seedFlags: readonly SeedFlag[] = [
  {
    spellings: ['-m', '--model'],
    value: `${models}/DeepSeek-R1-Distill-Llama-70B-Q8_0.gguf`,
    purpose: 'The model.',
  },
  {
    spellings: ['-md', '--model-draft', '--spec-draft-model'],
    value: `${models}/Llama-3.2-3B-Instruct-Q4_K_M.gguf`,
    purpose: 'The draft model; the model checks several of its guesses at once.',
  },
  {
    spellings: ['-c', '--ctx-size'],
    value: '131072',
    purpose: 'Tokens of context, for all slots together.',
  },
  { spellings: ['-np', '--parallel'], value: '4', purpose: 'Slots: how many requests run at once.' },
  {
    spellings: ['-cb', '--cont-batching'],
    value: null,
    purpose: 'A request joins the running batch instead of waiting for it to end.',
  },
  {
    spellings: ['-ngl', '--gpu-layers', '--n-gpu-layers'],
    value: '99',
    purpose: 'Layers on the GPU; 99 is all of them.',
  },
  {
    spellings: ['-ctk', '--cache-type-k'],
    value: 'q4_0',
    purpose: 'Format of keys in the KV cache; 32 of them take 18 bytes as q4_0, 64 as f16.',
  },
  { spellings: ['-ctv', '--cache-type-v'], value: 'q4_0', purpose: 'The same for values.' },
  { spellings: ['--host'], value: '0.0.0.0', purpose: 'The address it listens on.' },
  { spellings: ['--port'], value: '8080', purpose: 'The port it listens on.' },
]

/** The script's line, unchanged. */
export const seedArgv: readonly string[] = [
  './llama-server',
  ...seedFlags.flatMap(({ spellings, value }) =>
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
    const entry = seedFlags.find(({ spellings }) => spellings.includes(word))
    if (entry === undefined || explained.has(word)) return []
    const { value, purpose } = entry
    const next = argv[index + 1]
    const ours = value === null || next === undefined || isFlag(next) ? null : next
    return [
      {
        ours: ours === null ? word : `${word} ${ours}`,
        purpose,
        seed: ours === value ? null : [entry.spellings[0], value].filter((part) => part !== null).join(' '),
      },
    ]
  })
}

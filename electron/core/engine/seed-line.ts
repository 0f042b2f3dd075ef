// The owner's start script's llama-server line, what each of its flags is for, and where ours says something else. Pure.
import type { Adaptation } from './llama-adaptation.ts'

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
    purpose: 'The draft model, whose guesses the model checks several at a time.',
  },
  {
    spellings: ['-c', '--ctx-size'],
    value: '131072',
    purpose: 'Tokens of context, of all slots together.',
  },
  { spellings: ['-np', '--parallel'], value: '4', purpose: 'Slots: so many requests are answered at once.' },
  {
    spellings: ['-cb', '--cont-batching'],
    value: null,
    purpose: 'A request joins the batch that runs, instead of waiting for its end.',
  },
  {
    spellings: ['-ngl', '--gpu-layers', '--n-gpu-layers'],
    value: '99',
    purpose: 'Layers on the GPU; 99 is all of them.',
  },
  {
    spellings: ['-ctk', '--cache-type-k'],
    value: 'q4_0',
    purpose: 'How keys are kept in the KV cache; q4_0 takes 18 bytes for 32 of them, f16 64.',
  },
  { spellings: ['-ctv', '--cache-type-v'], value: 'q4_0', purpose: 'The same for values.' },
  { spellings: ['--host'], value: '0.0.0.0', purpose: 'The address it listens on.' },
  { spellings: ['--port'], value: '8080', purpose: 'The port it listens on.' },
]

/** The line as it stands in the script. */
export const seedArgv: readonly string[] = [
  './llama-server',
  ...seedFlags.flatMap(({ spellings, value }) =>
    value === null ? spellings.slice(0, 1) : [...spellings.slice(0, 1), value],
  ),
]

export interface SeedFlagUse {
  /** As we pass it, with its value. */
  readonly ours: string
  readonly purpose: string
  /** The script's own, where that is another one; null where it is the same. */
  readonly seed: string | null
}

const isFlag = (word: string): boolean => /^--?[a-z]/.test(word)

/** The flags of our line that no adaptation explains: those that the script has too. */
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

// Reads the tokenizer from a GGUF header, with llama.cpp's own defaults for missing keys.
import { tokenTextsKey } from './metadata.ts'
import type { MetadataQuestions } from './metadata-reading.ts'
import type { TokenTexts } from './token-texts.ts'

export type Vocabulary = Readonly<ReturnType<typeof readVocabulary>>

interface Defaults {
  readonly bos: number | null
  readonly eos: number | null
  readonly addsBos: boolean
  readonly addsEos: boolean
}

// llama.cpp, src/llama-vocab.cpp, llama_vocab::impl::load: special tokens by tokenizer, add_bos/add_eos by kind.
const noDefaults: Defaults = { bos: null, eos: null, addsBos: false, addsEos: false }
const bytePair: Defaults = { bos: 11, eos: 11, addsBos: false, addsEos: false }
const defaultsByModel: ReadonlyMap<string, Defaults> = new Map(
  Object.entries({
    llama: { bos: 1, eos: 2, addsBos: true, addsEos: false },
    gemma4: { ...noDefaults, addsBos: true },
    bert: { bos: 101, eos: null, addsBos: true, addsEos: false },
    gpt2: bytePair,
    hybriddna: bytePair,
    whitespace: bytePair,
    t5: { bos: null, eos: 1, addsBos: false, addsEos: true },
    rwkv: noDefaults,
    plamo2: { ...noDefaults, bos: 1, eos: 2 },
  }),
)

/** Pre-tokenizers of byte-pair vocabularies for which llama.cpp adds BOS unless the file says otherwise. */
const addsBosByPre = new Set(
  'llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano tekken chameleon gemma4'.split(
    ' ',
  ),
)

export function readVocabulary(architecture: string, ask: MetadataQuestions, tokenTexts: TokenTexts | null) {
  const model = ask.text('tokenizer.ggml.model')
  const pre = ask.text('tokenizer.ggml.pre')
  const defaults = (model === null ? undefined : defaultsByModel.get(model)) ?? noDefaults
  const addsBosByDefault = defaults.addsBos || (pre !== null && addsBosByPre.has(pre))
  return {
    /** `tokenizer.ggml.model`: llama (SPM), gpt2 (BPE), bert (WPM), t5 (UGM), rwkv, plamo2, ...; null when unknown. */
    model,
    pre,
    /** null: no such token. */
    bosTokenId: ask.count('tokenizer.ggml.bos_token_id') ?? defaults.bos,
    eosTokenId: ask.count('tokenizer.ggml.eos_token_id') ?? defaults.eos,
    // llama.cpp overrides a `false` in Gemma 4 files (ggml-org/llama.cpp#21500).
    addsBos: model === 'gemma4' || (ask.flag('tokenizer.ggml.add_bos_token') ?? addsBosByDefault),
    addsEos: ask.flag('tokenizer.ggml.add_eos_token') ?? defaults.addsEos,
    /** From the list, else from the file's `vocab_size`; null when there is neither. */
    tokenCount: ask.listLength(tokenTextsKey) ?? ask.count(`${architecture}.vocab_size`),
    tokenTexts,
  }
}

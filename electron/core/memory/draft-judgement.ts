// Whether a draft model can draft for a target, judged from both headers as llama.cpp does at its start.

import type { DraftJudgement } from '../../contract/memory-plan.ts'
import { formatCount } from '../base/format-bytes.ts'
import type { GgufHeader } from '../gguf/gguf-header.ts'
import type { TokenTexts } from '../gguf/token-texts.ts'
import type { Vocabulary } from '../gguf/vocabulary.ts'

/** common/speculative.cpp: SPEC_VOCAB_MAX_SIZE_DIFFERENCE and SPEC_VOCAB_CHECK_START_TOKEN_ID. */
const maxSizeDifference = 128
const firstComparedToken = 5
const hint = '--spec-type ngram-mod drafts without a draft model and needs no memory for one'

/** Tokenizer models that llama.cpp treats as one vocabulary type. */
const vocabularyType = (model: string): string =>
  model === 'gpt2' || model === 'hybriddna' || model === 'whitespace' || model === 'gemma4'
    ? 'byte pairs'
    : model

const quote = (text: Uint8Array): string =>
  JSON.stringify(
    Buffer.from(text)
      .toString('utf8')
      .slice(0, 60)
      .replaceAll(/\p{Cc}/gu, '\uFFFD'),
  )

function compareTexts(target: TokenTexts, draft: TokenTexts): string | null {
  const shared = Math.min(target.count, draft.count)
  for (let id = firstComparedToken; id < shared; id += 1) {
    const ours = target.read(id)
    const theirs = draft.read(id)
    if (Buffer.compare(ours, theirs) !== 0)
      return `token ${id} is ${quote(ours)} in the model and ${quote(theirs)} in the draft`
  }
  return null
}

function compareSpecial(name: 'BOS' | 'EOS', target: Vocabulary, draft: Vocabulary): string | null {
  const read = (vocabulary: Vocabulary): readonly [boolean, number | null] =>
    name === 'BOS' ? [vocabulary.addsBos, vocabulary.bosTokenId] : [vocabulary.addsEos, vocabulary.eosTokenId]
  const [targetAdds, targetId] = read(target)
  const [draftAdds, draftId] = read(draft)
  const say = (adds: boolean): string => (adds ? 'adds' : 'does not add')
  const article = name === 'EOS' ? 'an' : 'a'
  if (targetAdds !== draftAdds)
    return `the model ${say(targetAdds)} ${article} ${name} token, the draft ${say(draftAdds)} one`
  // The ids matter only if they are added: Llama 3.2's and R1's EOS differ, which alone does no harm.
  return targetAdds && targetId !== draftId
    ? `the model's ${name} token is ${targetId ?? 'none'}, the draft's ${draftId ?? 'none'}`
    : null
}

function findMismatch(target: Vocabulary, draft: Vocabulary): string | null {
  if (
    target.model !== null &&
    draft.model !== null &&
    vocabularyType(target.model) !== vocabularyType(draft.model)
  )
    return `the model's tokenizer is '${target.model}', the draft's '${draft.model}'`
  const special = compareSpecial('BOS', target, draft) ?? compareSpecial('EOS', target, draft)
  if (special !== null) return special
  const sizes = [target.tokenCount, draft.tokenCount] as const
  if (sizes[0] !== null && sizes[1] !== null && Math.abs(sizes[0] - sizes[1]) > maxSizeDifference)
    return `the model has ${formatCount(sizes[0])} tokens, the draft ${formatCount(sizes[1])}; at most ${maxSizeDifference} may differ`
  return target.tokenTexts !== null && draft.tokenTexts !== null
    ? compareTexts(target.tokenTexts, draft.tokenTexts)
    : null
}

export function judgeDraft(target: GgufHeader, draft: GgufHeader): DraftJudgement {
  const reason = findMismatch(target.vocabulary, draft.vocabulary)
  if (reason !== null) return { verdict: 'mismatch', reason, hint }
  const silent = [target, draft].find((model) => model.vocabulary.model === null)
  if (silent !== undefined)
    return { verdict: 'unknown', reason: `${silent.path} does not say which tokenizer it uses`, hint }
  const listless = [target, draft].find((model) => model.vocabulary.tokenTexts === null)
  if (listless !== undefined)
    return {
      verdict: 'unknown',
      reason: `${listless.path} has no token list, so the token texts cannot be compared; llama.cpp compares every one from id ${firstComparedToken} up`,
      hint,
    }
  return { verdict: 'compatible' }
}

// Collects the command line flag by flag, in this build's spelling, without the flags that the user pinned.
import type { Adaptation } from '../../contract/question.ts'
import type { LlamaCapabilities } from './llama-help.ts'

export type ArgvDraft = ReturnType<typeof createArgvDraft>

/**
 * In its functions `spellings` are best first, and `value` null is a switch.
 * @param claims records and returns the pinned flag that replaces this one; null when none does
 */
export function createArgvDraft(
  capabilities: LlamaCapabilities,
  claims: (flag: string, ours: string) => string | null,
) {
  const parts: string[] = []
  const adaptations: Adaptation[] = []
  const warnings: string[] = []
  const reasons: string[] = []

  const put = (flag: string, value: string | null): boolean => {
    const words = value === null ? [flag] : [flag, value]
    if (claims(flag, words.join(' ')) !== null) return false
    parts.push(...words)
    return true
  }

  /** @param reason the default says only that this build has no such flag */
  const noteLack = (
    flag: string,
    seed: string | null,
    reason = `This build of llama-server has no ${flag}.`,
  ) => {
    adaptations.push({ flag, seed, ours: null, reason, isLacking: true })
  }

  const add = (spellings: readonly string[], value: string | null, reason: string) => {
    const flag = capabilities.firstSupported(spellings)
    const asked = spellings[0] ?? ''
    if (flag === null)
      noteLack(asked, null, `This build of llama-server has no ${asked}. Why we wanted it: ${reason}`)
    else if (put(flag, value))
      adaptations.push({ flag, seed: null, ours: value === null ? flag : `${flag} ${value}`, reason })
  }

  return {
    parts,
    adaptations,
    warnings,
    /** Why there can be no command line. */
    reasons,
    add,
    noteLack,
    /** For a flag that isn't missed on builds without it. */
    addIfListed: (spellings: readonly string[], value: string | null, reason: string) => {
      if (capabilities.firstSupported(spellings) !== null) add(spellings, value, reason)
    },
    /** Same as in the seed's line, so not an adaptation; left out with a note if the build lacks it. */
    plain: (spellings: readonly string[], value: string | null) => {
      const flag = capabilities.firstSupported(spellings)
      const asked = spellings[0] ?? ''
      if (flag === null) noteLack(asked, value === null ? asked : `${asked} ${value}`)
      else put(flag, value)
    },
    require: (spellings: readonly string[], value: string, what: string) => {
      const flag = capabilities.firstSupported(spellings)
      if (flag === null)
        reasons.push(`This build of llama-server has no ${spellings[0]}, and the profile needs ${what}.`)
      else put(flag, value)
    },
  }
}

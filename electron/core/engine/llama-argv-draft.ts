// Collects the command line flag by flag, in this build's spelling, without the flags that the user pinned.
import type { Adaptation } from './llama-adaptation.ts'
import type { LlamaCapabilities } from './llama-help.ts'

export interface Option {
  readonly code: Adaptation['code']
  /** Best first. */
  readonly spellings: readonly string[]
  readonly value: string | null
  readonly seed: string | null
  readonly reason: string
}

/** @param claims records and returns the pinned flag that replaces this one; null when none does */
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

  const add = (option: Option) => {
    const flag = capabilities.firstSupported(option.spellings)
    const asked = option.spellings[0] ?? ''
    if (flag === null) {
      const reason = `This build of llama-server has no ${asked}. Why we wanted it: ${option.reason}`
      adaptations.push({ code: 'not-in-this-build', flag: asked, seed: option.seed, ours: null, reason })
      return
    }
    if (!put(flag, option.value)) return
    const ours = option.value === null ? flag : `${flag} ${option.value}`
    adaptations.push({ code: option.code, flag, seed: option.seed, ours, reason: option.reason })
  }

  return {
    add,
    /** For a flag that isn't missed on builds without it. */
    addIfListed: (option: Option) => {
      if (capabilities.firstSupported(option.spellings) !== null) add(option)
    },
    /** Same as in the seed's line, so not an adaptation; left out with a note if the build lacks it. */
    plain: (spellings: readonly string[], value: string | null) => {
      const flag = capabilities.firstSupported(spellings)
      if (flag !== null) {
        put(flag, value)
        return
      }
      const asked = spellings[0] ?? ''
      const seed = value === null ? asked : `${asked} ${value}`
      const reason = `This build of llama-server has no ${asked}.`
      adaptations.push({ code: 'not-in-this-build', flag: asked, seed, ours: null, reason })
    },
    require: (spellings: readonly string[], value: string, what: string) => {
      const flag = capabilities.firstSupported(spellings)
      if (flag === null)
        reasons.push(`This build of llama-server has no ${spellings[0]}, and the profile needs ${what}.`)
      else put(flag, value)
    },
    note: (adaptation: Adaptation) => {
      adaptations.push(adaptation)
    },
    warn: (warning: string) => {
      warnings.push(warning)
    },
    fail: (reason: string) => {
      reasons.push(reason)
    },
    finish: () => ({ parts, adaptations, warnings, reasons }),
  }
}

// The user's literal flags: how this build spells them, which of ours they replace, and which can't be pinned.
import type { Profile } from '../../contract/profile.ts'
import type { Adaptation } from '../../contract/question.ts'
import { type LlamaCapabilities, spelledAsListed } from './llama-help.ts'

/** Other parts read these from the profile; if they were pinned, they would look for the server in the wrong place. */
const ownedByProfile: Readonly<Record<string, string>> = {
  '--host': 'llamaServer.host',
  '--port': 'llamaServer.port',
  '--alias': 'llamaServer.alias',
}

export function planPinnedFlags(profile: Profile['llamaServer'], capabilities: LlamaCapabilities) {
  const reasons: string[] = []
  const warnings: string[] = []
  const adaptations: Adaptation[] = []
  const respelled = respellLoadMode(profile.pinnedFlags, capabilities)
  if (respelled !== null) {
    const { from, to } = respelled
    const reason = `The profile pins ${from}, which this build of llama-server calls ${to}.`
    adaptations.push({ flag: to, seed: null, ours: to, reason })
  }
  const words = respelled?.words ?? profile.pinnedFlags
  const pinned = listFlags(words, capabilities)
  for (const { flag, words: written } of pinned) {
    const entry = capabilities.find(flag)
    const owner = Object.keys(ownedByProfile).find((key) => sameFlag(capabilities, key, flag))
    if (owner !== undefined) {
      reasons.push(
        `llamaServer.pinnedFlags has ${flag}; set ${ownedByProfile[owner]} instead, which Nexus reads too.`,
      )
    }
    if (entry === null) warnings.push(`Pinned ${flag} is not in this build's --help; it is passed unchanged.`)
    else if (entry.removed)
      warnings.push(`Pinned ${flag} was removed from this build, which will refuse to start.`)
    else if (entry.deprecated) warnings.push(`Pinned ${flag} is deprecated in this build.`)
    if (/^--api-key$/.test(flag))
      warnings.push('A pinned --api-key can be read by everyone in the process list.')
    if (entry !== null && (capabilities.valueCount(flag) ?? 0) > written.length - 1) {
      reasons.push(`llamaServer.pinnedFlags has ${flag} without its value ${entry.metavar ?? ''}.`)
    }
  }
  if (reasons.length > 0) return { kind: 'impossible', reasons } as const
  /** Records and returns the pinned flag that replaces ours; null when there is none. */
  const claims = (flag: string, ours: string): string | null => {
    // llama-server accepts the keys of every such flag, and without ours we could not query it.
    if (flag === '--api-key-file') return null
    const winner = pinned.findLast((other) => sameFlag(capabilities, flag, other.flag))
    if (winner === undefined) return null
    const text = winner.words.join(' ')
    const reason = `The profile pins ${text}; ours would have been ${ours}.`
    adaptations.push({ flag: winner.flag, seed: null, ours: text, reason })
    return winner.flag
  }
  // `words`: the profile's flags in this build's spelling.
  return { kind: 'pinned', words, claims, adaptations, warnings } as const
}

/** All spellings of one entry are the same flag, including its `--no-` form. */
function sameFlag(capabilities: LlamaCapabilities, one: string, other: string): boolean {
  return one === other || (capabilities.find(one)?.spellings.includes(other) ?? false)
}

/** The values that follow a flag aren't flags, even if they look like one. */
function listFlags(words: readonly string[], capabilities: LlamaCapabilities) {
  const flags: { flag: string; words: string[] }[] = []
  let values = 0
  for (const word of words) {
    const last = flags.at(-1)
    if (last !== undefined && values > 0) {
      last.words.push(word)
      values -= 1
    } else if (/^--?[A-Za-z]/.test(word)) {
      const flag = spelledAsListed(word)
      flags.push({ flag, words: [word] })
      values = capabilities.valueCount(flag) ?? 0
    } else last?.words.push(word)
  }
  return flags
}

/**
 * How the old flags spell each load mode.
 *
 * b10068 has only --mlock, --mmap and --direct-io; b10434 adds --load-mode; builds since September 2026 have only --load-mode
 * (tools/server/README.md at 00dc8057). Each refuses to start with an unknown flag. The old flags map the file unless
 * --no-mmap is given.
 */
const oldWordsOf: Readonly<Record<string, readonly string[]>> = {
  auto: [],
  none: ['--no-mmap'],
  mmap: ['--mmap'],
  mlock: ['--no-mmap', '--mlock'],
  'mmap+mlock': ['--mmap', '--mlock'],
  dio: ['--direct-io'],
}

const directIoFlags: readonly string[] = ['--direct-io', '-dio', '--no-direct-io', '-ndio']
const oldFlags: readonly string[] = ['--mlock', '--mmap', '--no-mmap', ...directIoFlags]

/** Of contrary flags the last counts. */
const modeOf = (flags: readonly string[]): string => {
  const directIo = flags.findLast((flag) => directIoFlags.includes(flag))
  if (directIo === '--direct-io' || directIo === '-dio') return 'dio'
  const mmap = flags.findLast((flag) => flag === '--mmap' || flag === '--no-mmap')
  if (flags.includes('--mlock')) return mmap === '--no-mmap' ? 'mlock' : 'mmap+mlock'
  if (mmap === undefined) return 'auto'
  return mmap === '--mmap' ? 'mmap' : 'none'
}

/** The pinned flags in this build's spelling; null when nothing needs to change, or this build has no equivalent. */
const respellLoadMode = (pinned: readonly string[], capabilities: LlamaCapabilities) => {
  if (capabilities.supports('--load-mode')) {
    const isOld = (word: string) =>
      oldFlags.includes(spelledAsListed(word)) && !capabilities.supports(spelledAsListed(word))
    const old = pinned.filter(isOld)
    if (old.length === 0) return null
    const to = ['--load-mode', modeOf(old.map(spelledAsListed))]
    return {
      words: [...pinned.filter((word) => !isOld(word)), ...to],
      from: old.join(' '),
      to: to.join(' '),
    }
  }
  const index = pinned.findLastIndex((word) => ['--load-mode', '-lm'].includes(spelledAsListed(word)))
  const to = oldWordsOf[pinned[index + 1] ?? '']
  if (index < 0 || to === undefined || !to.every(capabilities.supports)) return null
  return {
    words: [...pinned.slice(0, index), ...to, ...pinned.slice(index + 2)],
    from: pinned.slice(index, index + 2).join(' '),
    to: to.join(' ') || 'no flag at all',
  }
}

// Translates pinned flags about loading the model file from one build's spelling to another's.
import { type LlamaCapabilities, spelledAsListed } from './llama-help.ts'

/**
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
export const respellLoadMode = (pinned: readonly string[], capabilities: LlamaCapabilities) => {
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

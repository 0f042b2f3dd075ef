// LiteLLM releases that Nexus refuses to run, also if it didn't install them.

/** PyPI releases of 24 March 2026 that stole credentials; 1.82.8 at every start of Python, through litellm_init.pth. */
const compromised: readonly string[] = ['1.82.7', '1.82.8']
/** CVE-2026-42208: SQL injection before authentication, on CISA's list of exploited ones; fixed in this release. */
const firstSafe = [1, 83, 7] as const

/** Why this release must not run, in one sentence; null: it may. */
export const judgeLiteLlmVersion = (version: string): string | null => {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?(.*)$/s.exec(version.trim())
  if (match === null) return `LiteLLM's version cannot be read from "${version.slice(0, 40)}"`
  const [, major, minor, patch = '0', suffix = ''] = match
  const numbers = [Number(major), Number(minor), Number(patch)] as const
  const name = numbers.join('.')
  if (compromised.includes(name))
    return `LiteLLM ${version} was published with code that steals credentials: change every key this machine could read`
  const order = compare(numbers, firstSafe)
  const isPreRelease = /^[._-]?(a|b|c|rc|alpha|beta|pre|preview|dev)/i.test(suffix)
  return order < 0 || (order === 0 && isPreRelease)
    ? `LiteLLM ${version} is older than ${firstSafe.join('.')}, which fixed CVE-2026-42208 (SQL injection without a key)`
    : null
}

const compare = (left: readonly number[], right: readonly number[]): number =>
  left.map((number, index) => number - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0

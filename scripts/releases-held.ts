// Releases that scripts/update-locks never takes, and locks that it leaves alone, each with its reason and source.
import { brokenRelease } from '../electron/core/setup/claude-code-releases.ts'
import { judgeLiteLlmVersion } from '../electron/core/setup/litellm-version.ts'
import { nodeLine } from './bundled-node.ts'

/** Rejected releases of one package. `why`: null for an acceptable one. */
type Judge = (version: string) => string | null

const stayBelow =
  (firstRefused: string, reason: string): Judge =>
  (version) =>
    compareVersions(version, firstRefused) < 0 ? null : reason

/** By registry name. */
const judges: Readonly<Record<string, Judge>> = {
  litellm: judgeLiteLlmVersion,
  '@anthropic-ai/claude-code': brokenRelease,
  '@types/node': stayBelow(
    `${Number(nodeLine) + 1}.0.0`,
    `Node ${nodeLine} is what Electron 45 embeds and what set-up installs, so newer types would promise too much`,
  ),
}

/** Why this release must not be taken; null: no known problem. */
export const whyRefused = (name: string, version: string): string | null => judges[name]?.(version) ?? null

/** Python locks (resources/requirements-NAME) that are never updated. */
export const heldLocks: Readonly<Record<string, string>> = {
  'llama-server-avx2':
    '0.10092.0 and later are built with AVX-VNNI and die of SIGILL at the first token on a processor without it (measured on an AMD Zen 4: llama-server-search.ts)',
  'electron-compat':
    'the app is lowered for exactly this Electron, and no package index has another (app-variants.ts)',
  'demo-model': "its file's hash stands in demo-model.ts",
  'sliding-window-model': "its file's hash stands in test-stages.ts",
}

/** Compares numbers from the left: 1.10.0 after 1.9.3, 0.1.83.post1 after 0.1.83. Not for pre-releases, which are never offered. */
export const compareVersions = (left: string, right: string): number => {
  const [leftNumbers, rightNumbers] = [numbersOf(left), numbersOf(right)]
  for (let index = 0; index < Math.max(leftNumbers.length, rightNumbers.length); index += 1) {
    const difference = (leftNumbers[index] ?? 0) - (rightNumbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const numbersOf = (version: string): readonly number[] => (version.match(/\d+/g) ?? []).map(Number)

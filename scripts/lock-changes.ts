// Parses locks, compares two of them and chooses releases, for scripts/update-locks. Pure.
import { z } from 'zod'
import { brokenRelease } from '../electron/core/setup/claude-code-releases.ts'
import { judgeLiteLlmVersion } from '../electron/core/setup/litellm-version.ts'
import { nodeLine } from './bundled-node.ts'

/** By package; several versions if a lock has one for each Python, or npm nests them. */
export type LockedVersions = ReadonlyMap<string, readonly string[]>

export interface Change {
  readonly name: string
  readonly from: string | null
  readonly to: string | null
}

export interface Refusal {
  readonly name: string
  readonly version: string
  readonly reason: string
}

/** By number: 1.10.0 after 1.9.3, 0.1.83.post1 after 0.1.83. Not for pre-releases, which are never offered. */
const compareVersions = new Intl.Collator('en', { numeric: true }).compare

const collect = (pairs: Iterable<readonly [name: string, version: string]>): LockedVersions => {
  const versions = new Map<string, string[]>()
  for (const [name, version] of pairs) {
    const known = versions.get(name) ?? []
    if (!known.includes(version)) versions.set(name, [...known, version].sort(compareVersions))
  }
  return versions
}

/** Every `name==version` of a requirements file, `.in` or locked. */
export const readRequirements = (text: string): LockedVersions =>
  collect(
    [...text.matchAll(/^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)/gm)].map(
      ([, name = '', version = '']) => [name, version] as const,
    ),
  )

const PackageLockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
})

export const readPackageLock = (text: string): LockedVersions =>
  collect(
    Object.entries(PackageLockSchema.parse(JSON.parse(text)).packages).flatMap(([path, { version }]) =>
      path === '' || version === undefined ? [] : [[path.replace(/^.*node_modules\//, ''), version] as const],
    ),
  )

/**
 * npm omits packages that it can't find while locking, and npm 10 installs only what the lock names: without biome's and
 * oxc's programs for macOS in it, scripts/check fails on every Mac (issue 11).
 */
export const missingFromPackageLock = (text: string): readonly string[] => {
  const { packages } = PackageLockSchema.parse(JSON.parse(text))
  return Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      )
      .map((name) => (path === '' ? name : `${name}, of ${path}`)),
  )
}

/** Why this release of a package, by its registry name, must never be taken; null: no known problem. */
export const whyRefused = (name: string, version: string): string | null => {
  switch (name) {
    case 'litellm': {
      const judgement = judgeLiteLlmVersion(version)
      return judgement.kind === 'refused' ? judgement.reason : null
    }
    case '@anthropic-ai/claude-code':
      return brokenRelease(version)
    case '@types/node':
      return compareVersions(version, `${Number(nodeLine) + 1}.0.0`) < 0
        ? null
        : `Node ${nodeLine} is what Electron 45 embeds and what set-up installs, so newer types would promise too much`
    default:
      return null
  }
}

/** Python locks (resources/requirements-NAME) that are never updated. */
export const heldLocks: Readonly<Record<string, string>> = {
  'llama-server-avx2':
    '0.10092.0 and later are built with AVX-VNNI and die of SIGILL at the first token on a processor without it (measured on an AMD Zen 4: llama-server-search.ts)',
  'electron-compat':
    'the app is lowered for exactly this Electron, and no package index has another (app-build.ts)',
  'demo-model': "its file's hash stands in demo-model.ts",
  'sliding-window-model': "its file's hash stands in test-stages.ts",
}

/** By name. */
export const compareLocks = (before: LockedVersions, after: LockedVersions): readonly Change[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((name) => ({
      name,
      from: before.get(name)?.join(', ') ?? null,
      to: after.get(name)?.join(', ') ?? null,
    }))
    .filter(({ from, to }) => from !== to)

export interface PublishedReleases {
  readonly current: string
  /** The registry's recommended version, `latest`. Newer ones must be requested by name. */
  readonly latest: string
  /** When each was published, ISO 8601, as in `npm view NAME time`. */
  readonly publishedAt: Readonly<Record<string, string>>
  /** Skips releases after this time (ms since the epoch). */
  readonly notAfterMs: number
}

/** The newest good release; `current` if none is newer. */
export const chooseRelease = (
  name: string,
  { current, latest, publishedAt, notAfterMs }: PublishedReleases,
): { readonly version: string; readonly refused: readonly Refusal[] } => {
  const newer = Object.keys(publishedAt)
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
    .filter((version) => compareVersions(version, current) > 0 && compareVersions(version, latest) <= 0)
    .sort(compareVersions)
    .reverse()
  const refused: Refusal[] = []
  for (const version of newer) {
    const reason = whyRefused(name, version) ?? whyTooYoung(publishedAt[version] ?? '', notAfterMs)
    if (reason === null) return { version, refused: refused.slice(0, 1) }
    refused.push({ name, version, reason })
  }
  return { version: current, refused: refused.slice(0, 1) }
}

const whyTooYoung = (publishedAt: string, notAfterMs: number): string | null => {
  const atMs = Date.parse(publishedAt)
  if (Number.isNaN(atMs)) return 'the registry does not say when it was published'
  return atMs <= notAfterMs ? null : `published on ${publishedAt.slice(0, 10)}, and left to ripen`
}

/** The sentence with the cause in uv's "No solution found", which uv wraps and indents. */
export const readUvReason = (stderr: string): string => {
  const text = stderr.replace(/\s+/g, ' ')
  const cause = /(?:because|Because) (.*?)(?:, we can conclude|\. )/.exec(text)?.[1]
  return cause ?? (text.trim().slice(0, 300) || 'uv did not say why')
}

export const formatReport = (changes: readonly Change[], refusals: readonly Refusal[]): string => {
  const rows = changes.map(({ name, from, to }) => [name, from ?? '-', to ?? 'gone'] as const)
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length))
  const table = rows.map(([name, from, to]) => `  ${name.padEnd(width(0))}  ${from.padEnd(width(1))}  ${to}`)
  return [
    changes.length === 0 ? 'Nothing newer.' : `Changed (package, from, to):\n${table.join('\n')}`,
    ...(refusals.length === 0
      ? []
      : [
          `Not taken:\n${refusals.map(({ name, version, reason }) => `  ${name} ${version}: ${reason}`).join('\n')}`,
        ]),
  ].join('\n\n')
}

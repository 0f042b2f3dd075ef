// Releases of Claude Code that are known not to work with a gateway, and the one that everything here was proved with.

/** Pinned, tried by `nexus try-claude`, and measured for the settings; the rules behind it are documented nowhere. */
export const measuredClaudeCode = '2.1.332'

/**
 * In these every request to an endpoint that is not Anthropic's own is answered 400, from the first of them until it was
 * mended (Claude Code's changelog; 2.1.265: raine/claude-code-proxy#141).
 */
const brokenReleases = [
  { from: 265, mendedIn: 268 },
  { from: 275, mendedIn: 276 },
] as const

/** Why this release does not work with the Router, in a few words; null: nothing is known against it. */
export const brokenRelease = (version: string): string | null => {
  const patch = /^2\.1\.(\d+)$/.exec(version)?.[1]
  if (patch === undefined) return null
  const broken = brokenReleases.find(
    ({ from, mendedIn }) => Number(patch) >= from && Number(patch) < mendedIn,
  )
  return broken === undefined
    ? null
    : `${version} is known to fail with 400 behind every gateway; 2.1.${broken.mendedIn} mended that`
}

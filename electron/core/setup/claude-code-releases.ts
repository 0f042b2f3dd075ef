// Releases of Claude Code that are known not to work with a gateway, and the one that Nexus is tested with.

/** Pinned, tried by `nexus try-claude`, and measured for the settings; its rules are undocumented. */
export const measuredClaudeCode = '2.1.332'

/**
 * In these releases every request to an endpoint other than Anthropic's gets 400 (Claude Code's changelog; 2.1.265:
 * raine/claude-code-proxy#141).
 */
const brokenReleases = [
  { from: 265, fixedIn: 268 },
  { from: 275, fixedIn: 276 },
] as const

/** Why this release doesn't work with the Router, in a few words; null: no known problem. */
export const brokenRelease = (version: string): string | null => {
  const patch = /^2\.1\.(\d+)$/.exec(version)?.[1]
  if (patch === undefined) return null
  const broken = brokenReleases.find(({ from, fixedIn }) => Number(patch) >= from && Number(patch) < fixedIn)
  return broken === undefined
    ? null
    : `${version} is known to fail with 400 behind every gateway; 2.1.${broken.fixedIn} fixed that`
}

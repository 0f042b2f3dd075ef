// Folders of a user's home that macOS protects from launchd jobs. Pure.
import { join } from 'node:path'

/**
 * TCC protects these, and a launchd job can't ask its user for permission (System Settings, Privacy & Security, Files and
 * Folders; public reports of "Operation not permitted" for agents below ~/Documents). iCloud Drive is in Mobile Documents.
 */
const protectedFolders = ['Documents', 'Desktop', 'Downloads', join('Library', 'Mobile Documents')] as const

/** Notes about a program in such a folder, one per line; empty elsewhere. */
export const describeProtectedFolder = (argv: readonly string[], homeDir: string): readonly string[] =>
  protectedFolders
    .map((name) => join(homeDir, name))
    .filter((folder) => argv.some((word) => word.startsWith(`${folder}/`)))
    .map(
      (folder) =>
        `Nexus is in ${folder}, which macOS protects from programs that launchd starts: if you see "Operation not permitted", move Nexus, for example to ${join(homeDir, 'opta-nexus')}.`,
    )

// Folders of a user's home that macOS closes to what launchd starts. Pure.
import { join } from 'node:path'

/**
 * TCC guards these, and a job of launchd cannot ask its user (System Settings, Privacy & Security, Files and Folders; public
 * reports of "Operation not permitted" for agents below ~/Documents). iCloud Drive lies in Mobile Documents.
 */
const protectedFolders = ['Documents', 'Desktop', 'Downloads', join('Library', 'Mobile Documents')] as const

/** What to know about a program that lies there, a line each; none when it does not. */
export const describeProtectedFolder = (argv: readonly string[], homeDir: string): readonly string[] =>
  protectedFolders
    .map((name) => join(homeDir, name))
    .filter((folder) => argv.some((word) => word.startsWith(`${folder}/`)))
    .map(
      (folder) =>
        `Nexus lies below ${folder}, which macOS closes to what launchd starts: where it says "Operation not permitted", move Nexus, such as to ${join(homeDir, 'opta-nexus')}.`,
    )

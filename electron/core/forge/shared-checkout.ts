// Checkouts that several developers build: the first builder owns the build folder, and on the RAM disk no group may write to it.
import { constants, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import { mayAccess } from '../base/regular-file.ts'
import { configPathIn } from './cargo-config-file.ts'
import { readCargoConfig } from './cargo-config-text.ts'
import type { WorkspaceFolder } from './forge-workspaces.ts'

type Modes = Pick<Stats, 'mode' | 'isDirectory'>

/**
 * Whether the group may write to the folder. On Linux only with the setgid bit: where each user has a group of their own
 * (umask 002), all folders are group-writable. macOS gives new files the folder's group anyway (open(2)).
 */
export const isShared = (stats: Modes, platform: 'darwin' | 'linux'): boolean =>
  stats.isDirectory() &&
  ((stats.mode & 0o002) !== 0 ||
    ((stats.mode & 0o020) !== 0 && (platform === 'darwin' || (stats.mode & 0o2000) !== 0)))

const isSharedCheckout = (path: string, platform: 'darwin' | 'linux'): boolean => {
  try {
    return isShared(statSync(path), platform)
  } catch {
    // Gone, or in a home that is closed to us: not shared with us.
    return false
  }
}

/** Workspaces built on the RAM disk in which others work too, unless they have a build folder elsewhere by now. */
export const findSharedCheckouts = (
  workspaces: readonly Pick<WorkspaceFolder, 'workspace' | 'uid'>[],
  { platform, ownUid }: { readonly platform: 'darwin' | 'linux'; readonly ownUid: number | null },
) =>
  workspaces.flatMap(({ workspace, uid }) => {
    if (workspace === null || saysBuildDir(workspace)) return []
    // Root may write everywhere, so its access proves nothing.
    const isOursToo = ownUid !== 0 && uid !== ownUid && mayAccess(workspace, constants.W_OK)
    return isOursToo || isSharedCheckout(workspace, platform) ? [{ path: workspace, uid }] : []
  })

const saysBuildDir = (workspace: string): boolean => {
  try {
    const reading = readCargoConfig(readFileOrNull(configPathIn(join(workspace, '.cargo'))) ?? '')
    return reading.kind === 'settings' && reading.settings.buildDir !== null
  } catch {
    // Not readable for us: as if it said nothing.
    return false
  }
}

// Checkouts that several developers build: cargo gives a build folder to whoever builds first, and on the RAM disk to no group.
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { readFileOrNull } from '../base/private-file.ts'
import { configPathIn } from './cargo-config-file.ts'
import { readCargoConfig } from './cargo-config-text.ts'
import type { WorkspaceFolder } from './forge-workspaces.ts'

type Modes = Pick<Stats, 'mode' | 'isDirectory'>

/**
 * Folders that the group may write to. On Linux only with the setgid bit, since with a group of their own for each user
 * (umask 002) all folders are group-writable; macOS gives new files the folder's group anyway (open(2)).
 */
export const isShared = (stats: Modes, platform: 'darwin' | 'linux'): boolean =>
  stats.isDirectory() &&
  ((stats.mode & 0o002) !== 0 ||
    ((stats.mode & 0o020) !== 0 && (platform === 'darwin' || (stats.mode & 0o2000) !== 0)))

export const isSharedCheckout = (path: string, platform: 'darwin' | 'linux'): boolean => {
  try {
    return isShared(statSync(path), platform)
  } catch {
    // Gone, or in a home that is closed to us: nothing that we share.
    return false
  }
}

export interface SharedCheckout {
  readonly path: string
  readonly uid: number
}

/** Of the workspaces that were built on the RAM disk those that others work in too, and that do not build elsewhere by now. */
export const findSharedCheckouts = (
  workspaces: readonly Pick<WorkspaceFolder, 'workspace' | 'uid'>[],
  { platform, ownUid }: { readonly platform: 'darwin' | 'linux'; readonly ownUid: number | null },
): readonly SharedCheckout[] =>
  workspaces.flatMap(({ workspace, uid }) => {
    if (workspace === null || saysBuildDir(workspace)) return []
    // Root may write everywhere, and that says nothing.
    const isOursToo = ownUid !== 0 && uid !== ownUid && mayWrite(workspace)
    return isOursToo || isSharedCheckout(workspace, platform) ? [{ path: workspace, uid }] : []
  })

const saysBuildDir = (workspace: string): boolean => {
  try {
    const reading = readCargoConfig(readFileOrNull(configPathIn(join(workspace, '.cargo'))) ?? '')
    return reading.kind === 'settings' && reading.settings.buildDir !== null
  } catch {
    // Not for us to read: the check on projects says so.
    return false
  }
}

const mayWrite = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

// Which workspaces have build folders on the RAM disk, found by scanning it: each folder's path names its workspace.
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buildRootOf, shelfNames } from './forge-layout.ts'

export type WorkspaceFolder = Readonly<Awaited<ReturnType<typeof readWorkspace>>>

/** A 64-bit hash without its first two digits (cargo 1.95, measured); other names are not build folders. */
const hashName = /^[0-9a-f]{14}$/
/** Every cargo writes it to the root of a build-dir at the first build (bford.info/cachedir). */
const buildDirMark = 'CACHEDIR.TAG'
/** cargo reads it at every build, even with nothing to do (1.95, measured); relatime keeps its atime current. */
const readAtEachBuild = '.rustc_info.json'
/** `.cargo-lock`; `.cargo-build-lock` since the layout that came with cargo 1.97 (rust-lang/cargo#16807). */
const lockName = /^\.cargo(-[a-z]+)*-lock$/
/** target/TRIPLE/PROFILE is the deepest profile folder; the folders in it show when a unit was compiled. */
const levelsOfInterest = 4
const deepestWorkspace = 40

export const listWorkspaces = async (mountPoint: string) => {
  const root = buildRootOf(mountPoint)
  const workspaces: WorkspaceFolder[] = []
  const closed: { hashPath: string; uid: number }[] = []
  for (const shelf of shelfNames) {
    for (const entry of await entriesOf(join(root, shelf))) {
      if (!entry.isDirectory() || !hashName.test(entry.name)) continue
      const hashPath = join(root, shelf, entry.name)
      try {
        for (const buildDir of await findBuildDirs(hashPath, deepestWorkspace)) {
          workspaces.push(await readWorkspace(hashPath, buildDir))
        }
      } catch {
        // Removed meanwhile, or not readable for us.
        const stats = await lstatOrNull(hashPath)
        if (stats !== null) closed.push({ hashPath, uid: stats.uid })
      }
    }
  }
  return {
    workspaces,
    /** Folders of other users, which we can't read. */
    closed,
  }
}

const entriesOf = async (path: string): Promise<readonly Dirent[]> => {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch {
    return []
  }
}

const lstatOrNull = (path: string): Promise<Stats | null> => lstat(path).catch(() => null)

/** Throws when a folder on the way can't be read. */
const findBuildDirs = async (path: string, levels: number): Promise<readonly string[]> => {
  const entries = await readdir(path, { withFileTypes: true })
  if (entries.some(({ name }) => name === buildDirMark)) return [path]
  if (levels === 0) return []
  const found: string[] = []
  for (const entry of entries) {
    if (entry.isDirectory()) found.push(...(await findBuildDirs(join(path, entry.name), levels - 1)))
  }
  return found
}

const readWorkspace = async (hashPath: string, buildDir: string) => {
  const { uid } = await lstat(buildDir)
  const signs = { newest: Number.NEGATIVE_INFINITY, lockPaths: [] as string[] }
  for (const entry of await readdir(buildDir, { withFileTypes: true })) {
    if (entry.isDirectory()) await readSigns(join(buildDir, entry.name), levelsOfInterest, signs)
  }
  const lastCompiledAt = Number.isFinite(signs.newest) ? Math.round(signs.newest) : null
  const read = (await lstatOrNull(join(buildDir, readAtEachBuild)))?.atimeMs ?? null
  return {
    /** The folders `{workspace-path-hash}`, such as BUILD/c2/38a3df8ab9a1f2; several only for a workspace reached by a link. */
    hashPath,
    /** cargo's build-dir. */
    buildDir,
    /** The workspace's own folder; null when the build-dir was configured without it. */
    workspace: buildDir === hashPath ? null : buildDir.slice(hashPath.length),
    uid,
    /** When something was last compiled there, ms since the epoch; a build with nothing to do doesn't change it. */
    lastCompiledAt,
    /** The latest sign of any build, accurate to a day: a build with nothing to do still reads cargo's files. */
    lastUsedAt:
      read === null ? lastCompiledAt : Math.max(Math.round(read), lastCompiledAt ?? Number.NEGATIVE_INFINITY),
    /** All locks that cargo holds while it builds there. */
    lockPaths: signs.lockPaths as readonly string[],
  }
}

/** Checks only folders: each compiled unit creates or replaces files in its own folder or in deps/ (either layout). */
const readSigns = async (
  path: string,
  levels: number,
  signs: { newest: number; readonly lockPaths: string[] },
): Promise<void> => {
  const stats = await lstatOrNull(path)
  if (stats === null) return
  signs.newest = Math.max(signs.newest, stats.mtimeMs)
  if (levels === 0) return
  for (const entry of await entriesOf(path)) {
    if (entry.isDirectory()) await readSigns(join(path, entry.name), levels - 1, signs)
    else if (lockName.test(entry.name)) signs.lockPaths.push(join(path, entry.name))
  }
}

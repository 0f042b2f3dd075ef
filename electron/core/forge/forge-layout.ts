// What cargo needs on a mounted RAM disk: the file that cargo configs include, and the build folders.
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import { isErrno, writeBeside } from '../base/private-file.ts'
import { readRegularFile } from '../base/regular-file.ts'
import type { RamDiskControl } from '../platform/platform.ts'

/**
 * The file that a cargo config includes with `optional = true`. It is on the RAM disk itself: while that is not mounted the
 * file is missing, and cargo skips it silently (stable since cargo 1.94, rust-lang/cargo#16284) and builds in target/ as
 * usual. So no build fails without the RAM disk, and none goes to a plain folder at its mount point.
 */
export const includePathOf = (mountPoint: string): string => join(mountPoint, '.nexus', 'cargo.toml')

export const buildRootOf = (mountPoint: string): string => join(mountPoint, 'build')

/**
 * `{workspace-path-hash}` is two folders, such as c2/38a3df8ab9a1f2 (cargo 1.95, measured), and keeps workspaces apart;
 * the workspace's path behind it names the workspace, which the hash can't.
 */
export const buildDirTemplateOf = (mountPoint: string): string =>
  `${buildRootOf(mountPoint)}/{workspace-path-hash}{workspace-root}`

const includedText = (mountPoint: string): string =>
  `# Written by Opta Nexus at each mount. Cargo configs include it: \`nexus forge enable\` and \`disable\`.
[build]
build-dir = ${JSON.stringify(buildDirTemplateOf(mountPoint))}
`

/** The first part of every hash. Made by us: if cargo made them, only the first user to build could add to them. */
export const shelfNames: readonly string[] = Array.from({ length: 256 }, (_, value) =>
  value.toString(16).padStart(2, '0'),
)

/** Why cargo's `include` can't take a path, since it has no globs or templates; null when it can. */
export const explainUnusableMountPoint = (mountPoint: string): string | null =>
  /[{}*?[\]]/.test(mountPoint)
    ? `${mountPoint} holds one of { } * ? [ ], which cargo does not allow in an include path`
    : null

/**
 * Idempotent. Every developer may build (folders like /tmp: 1777), but only the user who mounted the RAM disk writes what other
 * users' cargo reads. Throws a readable Error when something of another user is in the way.
 */
export const prepareForge = (mountPoint: string): void => {
  ensureOwnFolder(join(includePathOf(mountPoint), '..'))
  ensureOwnFolder(buildRootOf(mountPoint))
  for (const name of shelfNames) ensureShelf(join(buildRootOf(mountPoint), name))
  const path = includePathOf(mountPoint)
  const text = includedText(mountPoint)
  if (readTextOrNull(path) === text) return
  writeBeside(path, text, { mode: 0o644, about: 'processes' })
}

/** The mount point is world-writable: don't mistake another user's files for ours. */
const ensureOwnFolder = (path: string): void => {
  if (makeFolder(path)) chmodSync(path, 0o755)
  const stats = lstatSync(path)
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0) return
  throw new Error(
    `${path} is not a folder that only we can write to, so cargo does not build there: move it away, then nexus up --only ramDisk`,
  )
}

const ensureShelf = (path: string): void => {
  makeFolder(path)
  const stats = lstatSync(path)
  if (stats.isDirectory() && (stats.mode & 0o7777) !== 0o1777) chmodSync(path, 0o1777)
}

/** True when it was created now. */
const makeFolder = (path: string): boolean => {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

const readTextOrNull = (path: string): string | null => {
  try {
    return readRegularFile(path)
  } catch {
    return null
  }
}

export const isPrepared = (mountPoint: string): boolean => readTextOrNull(includePathOf(mountPoint)) !== null

/**
 * Wraps a RAM disk so that it is prepared for cargo as soon as it is seen mounted: by us, by an earlier core, or after it was
 * emptied. A failure to prepare it is reported once per mount and does not fail the mount.
 */
export const preparingForCargo = (
  control: RamDiskControl,
  onError: (error: Error) => void,
): RamDiskControl => {
  let gaveUp = false
  const prepare = (mountPoint: string): string | null => {
    if (gaveUp || isPrepared(mountPoint)) return null
    try {
      prepareForge(mountPoint)
      return null
    } catch (error) {
      gaveUp = true
      const reason = `could not prepare ${mountPoint} for cargo: ${messageOf(error)}`
      onError(new Error(reason))
      return reason
    }
  }
  return {
    ...control,
    read: async (spec) => {
      const disk = await control.read(spec)
      if (disk.mounted) prepare(spec.mountPoint)
      else gaveUp = false
      return disk
    },
    mount: async (spec) => {
      gaveUp = false
      const outcome = await control.mount(spec)
      if (outcome.kind === 'failed') return outcome
      const notes = [outcome.note, prepare(spec.mountPoint)].filter((note) => note !== null)
      return { ...outcome, note: notes.join('; ') || null }
    },
  }
}

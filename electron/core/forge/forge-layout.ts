// What stands on a mounted RAM disk so that cargo builds there: the file that cargo configs include, and the shelves for builds.
import { chmodSync, lstatSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import { isErrno } from '../base/private-file.ts'
import { readRegularFile } from '../base/regular-file.ts'
import type { RamDiskControl } from '../platform/platform.ts'

/**
 * The file that a cargo config includes with `optional = true`. It lies on the RAM disk itself: while that is away the
 * file is missing, cargo skips it without a word (stable since cargo 1.94, rust-lang/cargo#16284) and builds in target/
 * as ever. So no build fails for want of the RAM disk, and none goes to a plain folder at its mount point.
 */
export const includePathOf = (mountPoint: string): string => join(mountPoint, '.nexus', 'cargo.toml')

export const buildRootOf = (mountPoint: string): string => join(mountPoint, 'build')

/**
 * `{workspace-path-hash}` is two folders, such as c2/38a3df8ab9a1f2 (cargo 1.95, measured), and keeps workspaces apart;
 * the workspace's own path behind it says whose it is, which the hash cannot be asked.
 */
export const buildDirTemplateOf = (mountPoint: string): string =>
  `${buildRootOf(mountPoint)}/{workspace-path-hash}{workspace-root}`

const includedText = (mountPoint: string): string =>
  `# Written by Opta Nexus at each mount. Cargo configs include it: \`nexus forge enable\` and \`disable\`.
[build]
build-dir = ${JSON.stringify(buildDirTemplateOf(mountPoint))}
`

/** First half of every hash: cargo makes these folders for the first user who builds, and no other could add to them. */
export const shelfNames: readonly string[] = Array.from({ length: 256 }, (_, value) =>
  value.toString(16).padStart(2, '0'),
)

/** Why a path cannot stand in cargo's `include`, which knows neither globs nor templates there; null when it can. */
export const explainUnusableMountPoint = (mountPoint: string): string | null =>
  /[{}*?[\]]/.test(mountPoint)
    ? `${mountPoint} holds one of { } * ? [ ], which cargo does not take in the path of an include`
    : null

/**
 * Idempotent. Every developer may build (shelves as /tmp: 1777), but only who mounted the RAM disk writes what other
 * people's cargo reads. Throws an Error in words when something of another's stands there.
 */
export const prepareForge = (mountPoint: string): void => {
  ensureOwnFolder(join(includePathOf(mountPoint), '..'))
  ensureOwnFolder(buildRootOf(mountPoint))
  for (const name of shelfNames) ensureShelf(join(buildRootOf(mountPoint), name))
  const path = includePathOf(mountPoint)
  const text = includedText(mountPoint)
  if (readTextOrNull(path) === text) return
  const partial = `${path}.${process.pid}.tmp`
  writeFileSync(partial, text, { mode: 0o644 })
  chmodSync(partial, 0o644)
  renameSync(partial, path)
}

/** The mount point itself is open to everybody: what another has put there must not be taken for ours. */
const ensureOwnFolder = (path: string): void => {
  if (makeFolder(path)) chmodSync(path, 0o755)
  const stats = lstatSync(path)
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0) return
  throw new Error(
    `${path} is not a folder of ours that only we write to: cargo is not sent there; move it away, then nexus up --only ramDisk`,
  )
}

const ensureShelf = (path: string): void => {
  makeFolder(path)
  const stats = lstatSync(path)
  if (stats.isDirectory() && (stats.mode & 0o7777) !== 0o1777) chmodSync(path, 0o1777)
}

/** Whether it was made now. */
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
 * The same RAM disk, prepared for cargo as soon as it is seen mounted: by us just now, by an earlier core, or after
 * it was emptied. What cannot be prepared is reported once for each mount; it does not fail the mount.
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
      const reason = `cargo cannot be sent to ${mountPoint}: ${messageOf(error)}`
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

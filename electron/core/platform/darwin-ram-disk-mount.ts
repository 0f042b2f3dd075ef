// Creates a RAM disk on macOS step by step, and undoes it when a step fails. Tested only on recorded output so far.

import { chmod, mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import {
  type DarwinMount,
  type DiskImage,
  findImageOf,
  findRamImage,
  type ImageList,
  ignoresOwners,
  ramImageBytes,
  wholeSectors,
} from './darwin-disk-text.ts'
import type { DarwinDisks } from './darwin-disks.ts'
import {
  canonicalMountPoint,
  describeMiB,
  ensureMountFolder,
  explainObstacle,
  readMountPointState,
  removeEmptyFolder,
} from './mount-point.ts'
import type { MountOutcome, RamDiskSpec } from './platform.ts'
import { explainPrivacyRefusal } from './volume-access.ts'

export interface DarwinRamDiskContext {
  readonly disks: DarwinDisks
  readonly volumesFolder: string
  /** Writes and reads a file on a volume; rejects with the system's error. */
  readonly tryVolume: (mountPoint: string) => Promise<void>
  /** The device that this core attached: if someone else unmounts it, it stays attached and keeps its memory. */
  attached: string | null
  /** The last mount read and its image: asking hdiutil at every poll would cost more than everything else. */
  known: { readonly source: string; readonly isRamDisk: boolean } | null
}

export const kindOf = ({ filesystem }: DarwinMount): RamDisk['kind'] => {
  switch (filesystem) {
    case 'hfs':
      return 'hfs+'
    case 'apfs':
      return 'apfs'
    default:
      return null
  }
}

export const mountDarwinRamDisk = async (
  context: DarwinRamDiskContext,
  spec: RamDiskSpec,
): Promise<MountOutcome> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const images = await context.disks.readImages()
  if (images === null)
    return { kind: 'failed', reason: 'hdiutil info printed output that was not understood' }
  const mount = await context.disks.readMountAt(mountPoint)
  if (mount !== null) {
    const outcome = judgeMounted(spec, mount, findRamImage(images, mount.source))
    const refusal = outcome.kind === 'mounted' ? await findPrivacyRefusal(context, mountPoint) : null
    return refusal === null ? outcome : { kind: 'failed', reason: refusal }
  }
  const obstacle = await clearTheWay(context, mountPoint)
  if (obstacle !== null) return { kind: 'failed', reason: obstacle }
  const others = await releaseOwnLeftover(context, images, spec)
  const attached = await context.disks.attach(spec.sizeBytes)
  if (attached.kind === 'failed') return attached
  const failure = await formatAndMount(context, spec, attached.device, mountPoint).catch(messageOf)
  if (failure !== null) {
    const reason = await rollBack(context, attached.device, failure)
    await removeEmptyFolder(mountPoint)
    return { kind: 'failed', reason }
  }
  context.attached = attached.device
  const notes = [
    await settleVolume(mountPoint),
    await describeOwners(context.disks, mountPoint),
    describeLeftovers(others, spec),
  ]
  return { kind: 'mounted', already: false, note: notes.filter((note) => note !== null).join('; ') || null }
}

/**
 * Keeps Spotlight, the file event log and the trash off a volume that only holds build products. Uses files on the volume, because `mdutil -i off` needs root and is lost at the next mount. They are open to every user,
 * because two developers build on it. Returns the failure, or null; the volume is usable either way.
 */
const settleVolume = async (mountPoint: string): Promise<string | null> => {
  try {
    await chmod(mountPoint, 0o1777)
    await writeFile(join(mountPoint, '.metadata_never_index'), '')
    await mkdir(join(mountPoint, '.fseventsd'), { recursive: true })
    await writeFile(join(mountPoint, '.fseventsd', 'no_log'), '')
    // A file of that name keeps the Finder from creating a trash folder, where deleted files would hold memory.
    await writeFile(join(mountPoint, '.Trashes'), '')
    return null
  } catch (error) {
    return `could not turn off Spotlight on ${mountPoint}: ${messageOf(error)}`
  }
}

/**
 * A volume mounted by a normal user ignores ownership: each developer sees all files as their own. `hdiutil attach -owners on`
 * applies only to volumes that it mounts itself (hdiutil(1)), and we mount none there. `diskutil enableOwnership` needs root
 * (diskutil(8)). Returns what root can do; the volume is usable either way.
 */
const describeOwners = async (disks: DarwinDisks, mountPoint: string): Promise<string | null> => {
  try {
    const mount = await disks.readMountAt(mountPoint)
    return mount !== null && ignoresOwners(mount)
      ? `${mountPoint} is mounted without ownership, so every user may change and remove every file on it: sudo diskutil enableOwnership ${quoteForShell(mountPoint)}`
      : null
  } catch (error) {
    return `could not find out whether ${mountPoint} has ownership: ${messageOf(error)}`
  }
}

/** The mounted volume may be our RAM disk or anything else. */
export const explainDoubt = ({ source, mountPoint }: DarwinMount): string =>
  `hdiutil info lists images that were not understood, so it is unknown whether ${source} at ${mountPoint} is a RAM disk`

const judgeMounted = (
  spec: RamDiskSpec,
  mount: DarwinMount,
  image: DiskImage | null | 'in-doubt',
): MountOutcome => {
  if (image === 'in-doubt') return { kind: 'failed', reason: explainDoubt(mount) }
  const foundBytes = image === null ? null : ramImageBytes(image)
  if (foundBytes === null) {
    const found = `${mount.source} (${mount.filesystem})`
    return { kind: 'failed', reason: `${mount.mountPoint} has ${found} mounted, which is not a RAM disk` }
  }
  const wantedBytes = wholeSectors(spec.sizeBytes)
  if (foundBytes !== wantedBytes) {
    const sizes = `${describeMiB(foundBytes)}, not the ${describeMiB(wantedBytes)} wanted`
    const reason = `a RAM disk is mounted at ${mount.mountPoint} with ${sizes}; eject it first (its content is lost)`
    return { kind: 'failed', reason }
  }
  const note =
    kindOf(mount) === spec.filesystem ? null : `formatted as ${mount.filesystem}, not ${spec.filesystem}`
  return { kind: 'mounted', already: true, note }
}

/**
 * If a folder already exists at /Volumes/NAME, macOS silently mounts at "/Volumes/NAME 1" and builds go to the folder.
 * Elsewhere the mount needs an empty folder.
 */
const clearTheWay = async (
  { volumesFolder }: DarwinRamDiskContext,
  mountPoint: string,
): Promise<string | null> => {
  const state = await readMountPointState(mountPoint)
  const obstacle = explainObstacle(mountPoint, state)
  if (obstacle !== null || state.kind === 'missing' || !mountPoint.startsWith(`${volumesFolder}/`))
    return obstacle
  try {
    await rmdir(mountPoint)
    return null
  } catch {
    // We never run this; the user does.
    return `an empty folder at ${mountPoint} would make macOS mount at "${mountPoint} 1"; remove it: sudo rmdir "${mountPoint}"`
  }
}

/**
 * Detaches a disk that we attached and something else (Finder) unmounted: it holds memory, and its content is unreachable.
 * Returns the remaining images.
 */
export const releaseOwnLeftover = async (
  context: DarwinRamDiskContext,
  list: ImageList,
  spec: RamDiskSpec,
): Promise<readonly DiskImage[]> => {
  const { attached } = context
  const { images } = list
  const image = attached === null ? null : findRamImage(list, attached)
  // It may still be attached: the next list will show.
  if (image === 'in-doubt') return images
  context.attached = null
  // Disk numbers are reused, so it must still be an unmounted RAM disk of our size.
  if (attached === null || image === null || !isUnmounted(image, spec)) return images
  const { kind } = await context.disks.detach(attached, { force: false })
  return kind === 'done' ? images.filter((other) => other !== image) : images
}

const isUnmounted = (image: DiskImage, { sizeBytes }: RamDiskSpec): boolean =>
  ramImageBytes(image) === wholeSectors(sizeBytes) &&
  image.devices.every((entry) => entry.mountPoint === null)

/** Creates the volume and makes sure that it is at the mount point. Returns the failure, or null. */
const formatAndMount = async (
  context: DarwinRamDiskContext,
  spec: RamDiskSpec,
  device: string,
  mountPoint: string,
): Promise<string | null> => {
  const { disks, volumesFolder } = context
  const formatFailure = await disks.format(device, spec)
  if (formatFailure !== null) return formatFailure
  const list = await disks.readImages()
  const image = list === null ? null : findImageOf(list.images, device)
  if (image === null) return `${device} was formatted, but hdiutil info does not list it in a known format`
  const volume = image.devices.find((entry) => entry.mountPoint !== null)
  if (volume === undefined) return `${device} was formatted, but its volume is not mounted anywhere`
  if (volume.mountPoint !== mountPoint) {
    const byName = join(volumesFolder, spec.volumeName)
    if (mountPoint === byName) {
      return `the volume came up at ${volume.mountPoint} because something else has the name ${spec.volumeName}`
    }
    await ensureMountFolder(mountPoint)
    const moveFailure = await disks.moveMount(volume.device, mountPoint)
    if (moveFailure !== null) return moveFailure
  }
  const mount = await disks.readMountAt(mountPoint)
  if (mount === null) return `${device} was mounted, but the mount table has nothing at ${mountPoint}`
  return await findPrivacyRefusal(context, mountPoint)
}

/** Only privacy protection counts: a disk that is full or restricted to its owner is still usable. */
const findPrivacyRefusal = async (
  { tryVolume }: DarwinRamDiskContext,
  mountPoint: string,
): Promise<string | null> => {
  try {
    await tryVolume(mountPoint)
    return null
  } catch (error) {
    return explainPrivacyRefusal(mountPoint, error)
  }
}

/** A device that stays attached keeps its memory. It is brand new, so force loses nothing. */
const rollBack = async (
  { disks }: DarwinRamDiskContext,
  device: string,
  failure: string,
): Promise<string> => {
  const detached = await disks.detach(device, { force: true })
  if (detached.kind === 'done') return failure
  return `${failure}; and ${device} could not be detached, so it still holds its memory: hdiutil detach -force ${device}`
}

/** Unmounted RAM disks of the same size may or may not belong to an earlier core, so we only report them. */
const describeLeftovers = (images: readonly DiskImage[], spec: RamDiskSpec): string | null => {
  const left = images
    .filter((image) => isUnmounted(image, spec))
    .flatMap((image) => image.devices.slice(0, 1))
  if (left.length === 0) return null
  const commands = left.map(({ device }) => `hdiutil detach ${device}`).join('; ')
  return `another RAM disk of this size is attached but not mounted and holds memory: ${commands}`
}

// Makes a RAM disk on macOS step by step, and takes it back when a step fails. Exercised only through recorded output so far.

import { rmdir } from 'node:fs/promises'
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
import { describeMiB } from './describe-size.ts'
import {
  canonicalMountPoint,
  ensureMountFolder,
  explainObstacle,
  readMountPointState,
  removeEmptyFolder,
} from './mount-point.ts'
import type { MountOutcome, RamDiskSpec } from './platform.ts'
import { settleVolume } from './spotlight-off.ts'
import { explainPrivacyRefusal } from './volume-access.ts'

export interface DarwinRamDiskContext {
  readonly disks: DarwinDisks
  readonly volumesFolder: string
  /** Writes and reads a file on a volume; rejects with the system's error. */
  readonly tryVolume: (mountPoint: string) => Promise<void>
  /** Device of the disk that this core attached: a foreign unmount leaves it attached, and its memory held. */
  attached: string | null
  /** The mount of the last read and what is behind it: asking hdiutil at every poll would cost more than the rest. */
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
    return { kind: 'failed', reason: 'hdiutil info printed something that is not understood' }
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
  // First settled, then with owners: the root folder of a fresh volume has no real owner, and while owners are
  // ignored everybody may open it to all.
  const notes = [
    await settleVolume(mountPoint),
    await honourOwners(context.disks, mountPoint),
    describeLeftovers(others, spec),
  ]
  return { kind: 'mounted', already: false, note: notes.filter((note) => note !== null).join('; ') || null }
}

/**
 * What a normal user mounts comes up with owners ignored: to each developer all files are their own. `hdiutil attach -owners on`
 * is for what it mounts itself (hdiutil(1)), and we mount nothing then. `diskutil enableOwnership` needs root (diskutil(8)), so
 * for a core of root it works and for any other it is refused; the mount table tells which. Answers what root can do; the
 * volume is usable all the same.
 */
const honourOwners = async (disks: DarwinDisks, mountPoint: string): Promise<string | null> => {
  const ignored = async () => {
    const mount = await disks.readMountAt(mountPoint)
    return mount !== null && ignoresOwners(mount) ? mount : null
  }
  try {
    const mount = await ignored()
    if (mount === null) return null
    const failure = await disks.honourOwners(mount.source)
    return (await ignored()) === null
      ? null
      : `${mountPoint} is mounted without owners, so every user may change and remove every file on it (${failure ?? 'diskutil enableOwnership changed nothing'}): sudo diskutil enableOwnership ${quoteForShell(mountPoint)}`
  } catch (error) {
    return `whose files they are on ${mountPoint} is not known: ${messageOf(error)}`
  }
}

/** What is mounted may be our RAM disk or anything else. */
export const explainDoubt = ({ source, mountPoint }: DarwinMount): string =>
  `hdiutil info lists more images than could be understood, so whether ${source} at ${mountPoint} is a RAM disk is not known`

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
 * A folder already standing at /Volumes/NAME makes macOS mount at "/Volumes/NAME 1" without a word, and builds go
 * to the folder. Elsewhere an empty folder is what the mount needs.
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
    // Never run by us: the user reads the command and runs it.
    return `an empty folder at ${mountPoint} would make macOS mount at "${mountPoint} 1"; remove it: sudo rmdir "${mountPoint}"`
  }
}

/**
 * Attached by us, then unmounted (Finder): it holds memory, and its content cannot be reached.
 * Answers the images that are left.
 */
export const releaseOwnLeftover = async (
  context: DarwinRamDiskContext,
  list: ImageList,
  spec: RamDiskSpec,
): Promise<readonly DiskImage[]> => {
  const { attached } = context
  const { images } = list
  const image = attached === null ? null : findRamImage(list, attached)
  // It may still be there: the next list will tell.
  if (image === 'in-doubt') return images
  context.attached = null
  // Disk numbers are given out again: it must still be a RAM disk of our size that is mounted nowhere.
  if (attached === null || image === null || !isUnmounted(image, spec)) return images
  const { kind } = await context.disks.detach(attached, { force: false })
  return kind === 'done' ? images.filter((other) => other !== image) : images
}

const isUnmounted = (image: DiskImage, { sizeBytes }: RamDiskSpec): boolean =>
  ramImageBytes(image) === wholeSectors(sizeBytes) &&
  image.devices.every((entry) => entry.mountPoint === null)

/** Makes the volume and sees to it that it is at the mount point; answers why not. */
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
  if (image === null)
    return `${device} was formatted, but hdiutil info does not list it in a way that is understood`
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

/** Only that: a disk that is full, or open to its owner alone, is no reason to do without it. */
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

/** A device that stays attached keeps its memory. It was made a moment ago: with force there is nothing to lose. */
const rollBack = async (
  { disks }: DarwinRamDiskContext,
  device: string,
  failure: string,
): Promise<string> => {
  const detached = await disks.detach(device, { force: true })
  if (detached.kind === 'done') return failure
  return `${failure}; and ${device} could not be detached, so it still holds its memory: hdiutil detach -force ${device}`
}

/** Unmounted RAM disks of the same size: perhaps ours of an earlier core, perhaps not, so they are only named. */
const describeLeftovers = (images: readonly DiskImage[], spec: RamDiskSpec): string | null => {
  const left = images
    .filter((image) => isUnmounted(image, spec))
    .flatMap((image) => image.devices.slice(0, 1))
  if (left.length === 0) return null
  const commands = left.map(({ device }) => `hdiutil detach ${device}`).join('; ')
  return `another RAM disk of this size is attached but not mounted and holds memory: ${commands}`
}

// The RAM disk on macOS: a ram:// disk image with HFS+ or APFS. Tested only on recorded output so far.
import { join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { type DarwinMount, findRamImage, ignoresOwners } from './darwin-disk-text.ts'
import { createDarwinDisks } from './darwin-disks.ts'
import {
  type DarwinRamDiskContext,
  explainDoubt,
  kindOf,
  mountDarwinRamDisk,
  releaseOwnLeftover,
} from './darwin-ram-disk-mount.ts'
import { canonicalMountPoint, readVolumeUse, removeEmptyFolder } from './mount-point.ts'
import type { EjectOutcome, RamDiskBacking, RamDiskControl, RamDiskSpec } from './platform.ts'
import { type RunCommand, stdoutOf } from './run-command.ts'
import { writeAndReadFile } from './volume-access.ts'

export interface DarwinRamDiskOptions {
  readonly run: RunCommand
  /** The folder where macOS mounts volumes by name. */
  readonly volumesFolder?: string
  readonly tryVolume?: (mountPoint: string) => Promise<void>
}

export const createDarwinRamDisk = ({
  run,
  volumesFolder = '/Volumes',
  tryVolume = writeAndReadFile,
}: DarwinRamDiskOptions): RamDiskControl => {
  const context: DarwinRamDiskContext = {
    disks: createDarwinDisks(run),
    volumesFolder,
    tryVolume,
    attached: null,
    known: null,
  }
  return {
    defaultMountPoint: (volumeName) => join(volumesFolder, volumeName),
    read: (spec) => readRamDisk(context, spec),
    readBacking: (spec) => readBacking(context, run, spec),
    ignoresOwners: async (spec) => {
      const mount = await context.disks.readMountAt(await canonicalMountPoint(spec.mountPoint))
      return mount === null ? null : ignoresOwners(mount)
    },
    mount: (spec) => mountDarwinRamDisk(context, spec),
    eject: (spec, { force }) => ejectRamDisk(context, spec, force),
  }
}

const readRamDisk = async (context: DarwinRamDiskContext, spec: RamDiskSpec): Promise<RamDisk> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const mount = await context.disks.readMountAt(mountPoint)
  if (mount === null || !(await isRamDisk(context, mount))) {
    context.known = mount === null ? null : context.known
    return { mountPoint: spec.mountPoint, mounted: false, kind: null, totalBytes: null, usedBytes: null }
  }
  return {
    mountPoint: spec.mountPoint,
    mounted: true,
    kind: kindOf(mount),
    ...(await readVolumeUse(mountPoint)),
  }
}

const isRamDisk = async (context: DarwinRamDiskContext, mount: DarwinMount): Promise<boolean> => {
  const { source } = mount
  if (context.known?.source === source) return context.known.isRamDisk
  const images = await context.disks.readImages()
  if (images === null) throw new Error(`hdiutil info was not understood, so it is unknown what ${source} is`)
  const image = findRamImage(images, source)
  if (image === 'in-doubt') throw new Error(explainDoubt(mount))
  context.known = { source, isRamDisk: image !== null }
  return context.known.isRamDisk
}

/** Memory of the program that `hdiutil info` names, from `ps`; that program may be long gone (recorded). */
const readHeldBytes = async (run: RunCommand, pid: number): Promise<number | null> => {
  const result = await run(['ps', '-o', 'rss=', '-o', 'comm=', '-p', String(pid)])
  const [, kibibytes, program = ''] = /^[ \t]*([0-9]{1,12})[ \t]+(\S.*)$/m.exec(stdoutOf(result)) ?? []
  // diskimages-helper, or diskimagesiod of the newer framework; anything else is a reused pid.
  return kibibytes !== undefined && /diskimages/i.test(program) ? Number(kibibytes) * 1024 : null
}

/** null when unknown, too: see ImageHolder. */
const readBacking = async (
  { disks }: DarwinRamDiskContext,
  run: RunCommand,
  spec: RamDiskSpec,
): Promise<RamDiskBacking | null> => {
  const mount = await disks.readMountAt(await canonicalMountPoint(spec.mountPoint))
  const images = mount === null ? null : await disks.readImages()
  const image = mount === null || images === null ? null : findRamImage(images, mount.source)
  const holder = image === null || image === 'in-doubt' ? null : image.holder
  return holder?.kind === 'program'
    ? { ...holder, residentBytes: await readHeldBytes(run, holder.pid) }
    : holder
}

const ejectRamDisk = async (
  context: DarwinRamDiskContext,
  spec: RamDiskSpec,
  force: boolean,
): Promise<EjectOutcome> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const images = await context.disks.readImages()
  if (images === null)
    return { kind: 'failed', reason: 'hdiutil info printed output that was not understood' }
  const mount = await context.disks.readMountAt(mountPoint)
  if (mount === null) {
    await releaseOwnLeftover(context, images, spec)
    return { kind: 'not-mounted' }
  }
  const image = findRamImage(images, mount.source)
  if (image === 'in-doubt') return { kind: 'failed', reason: explainDoubt(mount) }
  const disk = image?.devices[0]
  if (disk === undefined) {
    const found = `${mount.source} (${mount.filesystem})`
    return {
      kind: 'failed',
      reason: `${mountPoint} has ${found} mounted, which is not a RAM disk: it is left alone`,
    }
  }
  return await detachMounted(context, mountPoint, disk.device, force)
}

/** "timeout for DiskArbitration expired" was also seen for disks that were gone. */
const isGone = async ({ disks }: DarwinRamDiskContext, device: string): Promise<boolean> => {
  const list = await disks.readImages()
  return list !== null && findRamImage(list, device) === null
}

/** Some systems translate the message for a busy disk; open files prove it in any language. */
const explainFailedDetach = async (
  { disks }: DarwinRamDiskContext,
  mountPoint: string,
  failed: Extract<EjectOutcome, { readonly kind: 'failed' }>,
  force: boolean,
): Promise<EjectOutcome> => {
  const holders = force ? [] : await disks.readHolders(mountPoint)
  return holders.length > 0 ? { kind: 'busy', holders } : failed
}

const detachMounted = async (
  context: DarwinRamDiskContext,
  mountPoint: string,
  device: string,
  force: boolean,
): Promise<EjectOutcome> => {
  // The whole disk, not the volume: only a detach frees the memory.
  const result = await context.disks.detach(device, { force })
  if (result.kind === 'busy') {
    const holders = await context.disks.readHolders(mountPoint)
    return { kind: 'busy', holders: holders.length > 0 ? holders : result.dissenters }
  }
  const isMounted = (await context.disks.readMountAt(mountPoint)) !== null
  if (result.kind === 'failed' && (isMounted || !(await isGone(context, device))))
    return await explainFailedDetach(context, mountPoint, result, force)
  if (isMounted) {
    return {
      kind: 'failed',
      reason: `hdiutil reported success, but ${mountPoint} is still in the mount table`,
    }
  }
  context.attached = null
  context.known = null
  await removeEmptyFolder(mountPoint)
  return { kind: 'done' }
}

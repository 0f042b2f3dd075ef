// The RAM disk on Linux: a tmpfs, or a folder under /dev/shm where mounting is not allowed.
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { findMountAt, readMountTable } from './linux-mount-table.ts'
import { readHolders } from './linux-processes.ts'
import { createShmFolder } from './linux-shm-folder.ts'
import { judgeMounted, type LinuxRamDiskContext, mountTmpfs, unmountTmpfs } from './linux-tmpfs.ts'
import { canonicalMountPoint, explainObstacle, readMountPointState, readVolumeUse } from './mount-point.ts'
import type { EjectOutcome, MountOutcome, RamDiskControl, RamDiskSpec } from './platform.ts'
import { createCommandRunner, type RunCommand } from './run-command.ts'

export interface LinuxRamDiskOptions {
  /** Folder of the default mount points, one per volume name. */
  readonly ramDiskRoot: string
  readonly shmRoot?: string
  /** false: never try mount(8), because the user lacks the right. */
  readonly mayMount?: boolean
  readonly run?: RunCommand
}

/** Only root may mount; in a container even root may not, which only an attempt shows. */
const isRoot = (): boolean => process.getuid?.() === 0

export const createLinuxRamDisk = (options: LinuxRamDiskOptions): RamDiskControl => {
  const context: LinuxRamDiskContext = {
    run: options.run ?? createCommandRunner(),
    shmRoot: options.shmRoot ?? '/dev/shm',
    mayMount: options.mayMount ?? isRoot(),
  }
  return {
    defaultMountPoint: (volumeName) => join(options.ramDiskRoot, volumeName),
    read: (spec) => readRamDisk(context, spec),
    readBacking: async (spec) => ((await readRamDisk(context, spec)).mounted ? { kind: 'pages' } : null),
    ignoresOwners: async (spec) => ((await readRamDisk(context, spec)).mounted ? false : null),
    mount: (spec) => mountRamDisk(context, spec),
    eject: (spec, { force }) => ejectRamDisk(context, spec, force),
  }
}

const readRamDisk = async (context: LinuxRamDiskContext, spec: RamDiskSpec): Promise<RamDisk> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const kind = await readKind(context, spec, mountPoint)
  if (kind === null) {
    return { mountPoint: spec.mountPoint, mounted: false, kind, totalBytes: null, usedBytes: null }
  }
  return { mountPoint: spec.mountPoint, mounted: true, kind, ...(await readVolumeUse(mountPoint)) }
}

const readKind = async ({ shmRoot }: LinuxRamDiskContext, spec: RamDiskSpec, mountPoint: string) => {
  const mount = findMountAt(await readMountTable(), mountPoint)
  if (mount !== null) return mount.filesystem === 'tmpfs' ? 'tmpfs' : null
  return (await createShmFolder(spec.volumeName, mountPoint, shmRoot).isLinked()) ? 'shm-folder' : null
}

const mountRamDisk = async (context: LinuxRamDiskContext, spec: RamDiskSpec): Promise<MountOutcome> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const shmFolder = createShmFolder(spec.volumeName, mountPoint, context.shmRoot)
  if (findMountAt(await readMountTable(), mountPoint) !== null) return await judgeMounted(spec, mountPoint)
  if (await shmFolder.isLinked()) {
    return {
      kind: 'mounted',
      already: true,
      note: `a folder under ${context.shmRoot}, whose size is not enforced`,
    }
  }
  // Our own link without its folder: a reboot emptied /dev/shm. The link alone is useless.
  if (await shmFolder.ownsLink()) await unlink(mountPoint)
  const obstacle = explainObstacle(mountPoint, await readMountPointState(mountPoint))
  if (obstacle !== null) return { kind: 'failed', reason: obstacle }
  if (!context.mayMount) return await shmFolder.link(spec.sizeBytes, 'only root may mount a tmpfs')
  return await mountTmpfs(context, spec, mountPoint)
}

const ejectRamDisk = async (
  context: LinuxRamDiskContext,
  spec: RamDiskSpec,
  force: boolean,
): Promise<EjectOutcome> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const mount = findMountAt(await readMountTable(), mountPoint)
  if (mount?.filesystem === 'tmpfs') return await unmountTmpfs(context, mountPoint, force)
  if (mount !== null) {
    const found = `${mount.filesystem} (${mount.source})`
    return { kind: 'failed', reason: `${mountPoint} has ${found} mounted, not a RAM disk: it is left alone` }
  }
  const shmFolder = createShmFolder(spec.volumeName, mountPoint, context.shmRoot)
  if (!(await shmFolder.isLinked())) {
    if (await shmFolder.ownsLink()) await unlink(mountPoint)
    return { kind: 'not-mounted' }
  }
  const holders = force ? [] : await readHolders(shmFolder.path)
  if (holders.length > 0) return { kind: 'busy', holders }
  await shmFolder.remove()
  return { kind: 'done' }
}

// The RAM disk on Linux: a tmpfs, or a folder under /dev/shm where mounting is not allowed.
import { statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { RamDisk } from '../../contract.ts'
import { describeMiB } from './describe-size.ts'
import { readHolders } from './linux-holders.ts'
import { findMountAt, findMountsBelow, readMountTable } from './linux-mount-table.ts'
import { createShmFolder } from './linux-shm-folder.ts'
import {
  canonicalMountPoint,
  ensureMountFolder,
  explainObstacle,
  readMountPointState,
  reasonOf,
  removeEmptyFolder,
} from './mount-point.ts'
import type { EjectOutcome, MountOutcome, RamDiskControl, RamDiskSpec } from './platform.ts'
import { type CommandResult, createCommandRunner, describeFailure, type RunCommand } from './run-command.ts'

export interface LinuxRamDiskOptions {
  /** Folder that holds the default mount points, one per volume name. */
  readonly ramDiskRoot: string
  readonly shmRoot?: string
  /** false: never try mount(8), as for a user without the right to. */
  readonly mayMount?: boolean
  readonly run?: RunCommand
}

interface Context {
  readonly run: RunCommand
  readonly shmRoot: string
  readonly mayMount: boolean
}

/** Only root may mount; in a container even root may not, which only trying tells. */
const isRoot = (): boolean => process.getuid?.() === 0

export const createLinuxRamDisk = (options: LinuxRamDiskOptions): RamDiskControl => {
  const context: Context = {
    run: options.run ?? createCommandRunner(),
    shmRoot: options.shmRoot ?? '/dev/shm',
    mayMount: options.mayMount ?? isRoot(),
  }
  return {
    defaultMountPoint: (volumeName) => join(options.ramDiskRoot, volumeName),
    read: (spec) => readRamDisk(context, spec),
    async mount(spec) {
      try {
        return await mountRamDisk(context, spec)
      } catch (error) {
        return { kind: 'failed', reason: `the RAM disk could not be made: ${reasonOf(error)}` }
      }
    },
    async eject(spec, { force }) {
      try {
        return await ejectRamDisk(context, spec, force)
      } catch (error) {
        return { kind: 'failed', reason: `the RAM disk could not be ejected: ${reasonOf(error)}` }
      }
    },
  }
}

const readRamDisk = async (context: Context, spec: RamDiskSpec): Promise<RamDisk> => {
  const mountPoint = await canonicalMountPoint(spec.mountPoint)
  const kind = await readKind(context, spec, mountPoint)
  if (kind === null) {
    return { mountPoint: spec.mountPoint, mounted: false, kind, totalBytes: null, usedBytes: null }
  }
  return { mountPoint: spec.mountPoint, mounted: true, kind, ...(await readUse(mountPoint)) }
}

/**
 * For the folder these are the figures of /dev/shm as a whole: that is what limits it, and adding up a build tree
 * of 100,000 files every second would cost more than it tells. Not known when it is ejected meanwhile.
 */
const readUse = async (mountPoint: string): Promise<Pick<RamDisk, 'totalBytes' | 'usedBytes'>> => {
  try {
    const { bsize, blocks, bfree } = await statfs(mountPoint)
    return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize }
  } catch {
    return { totalBytes: null, usedBytes: null }
  }
}

const readKind = async ({ shmRoot }: Context, spec: RamDiskSpec, mountPoint: string) => {
  const mount = findMountAt(await readMountTable(), mountPoint)
  if (mount !== null) return mount.filesystem === 'tmpfs' ? 'tmpfs' : null
  return (await createShmFolder(spec.volumeName, mountPoint, shmRoot).isLinked()) ? 'shm-folder' : null
}

const mountRamDisk = async (context: Context, spec: RamDiskSpec): Promise<MountOutcome> => {
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
  // Our own link without its folder: /dev/shm was emptied by a reboot. The link alone is worth nothing.
  if (await shmFolder.ownsLink()) await unlink(mountPoint)
  const obstacle = explainObstacle(mountPoint, await readMountPointState(mountPoint))
  if (obstacle !== null) return { kind: 'failed', reason: obstacle }
  if (!context.mayMount) return await shmFolder.link(spec.sizeBytes, 'only root may mount a tmpfs')
  return await mountTmpfs(context, spec, mountPoint)
}

const judgeMounted = async (spec: RamDiskSpec, mountPoint: string): Promise<MountOutcome> => {
  const mount = findMountAt(await readMountTable(), mountPoint)
  if (mount?.filesystem !== 'tmpfs') {
    const found = mount === null ? 'something else' : `${mount.filesystem} (${mount.source})`
    return { kind: 'failed', reason: `${mountPoint} has ${found} mounted, not a RAM disk` }
  }
  const { bsize, blocks } = await statfs(mountPoint)
  // The kernel rounds a tmpfs up to whole pages.
  if (blocks === Math.ceil(spec.sizeBytes / bsize)) return { kind: 'mounted', already: true, note: null }
  const sizes = `${describeMiB(blocks * bsize)}, not the ${describeMiB(spec.sizeBytes)} wanted`
  return {
    kind: 'failed',
    reason: `a tmpfs is mounted at ${mountPoint} with ${sizes}; eject it first (its content is lost)`,
  }
}

const mountTmpfs = async (context: Context, spec: RamDiskSpec, mountPoint: string): Promise<MountOutcome> => {
  const undo = await ensureMountFolder(mountPoint)
  // 1777: several developers build on it. Not noexec: cargo runs build scripts from its target folder.
  const options = `size=${spec.sizeBytes},mode=1777,nosuid,nodev`
  const result = await context.run(['mount', '-t', 'tmpfs', '-o', options, 'opta-nexus', mountPoint])
  if (result.kind === 'exited' && result.exitCode === 0) {
    if (findMountAt(await readMountTable(), mountPoint) !== null)
      return { kind: 'mounted', already: false, note: null }
    await undo()
    return {
      kind: 'failed',
      reason: `mount reported success, but the mount table has nothing at ${mountPoint}`,
    }
  }
  await undo()
  if (!isRefusal(result)) return { kind: 'failed', reason: `mount failed: ${describeFailure(result)}` }
  const why = `mounting is not allowed here (${describeFailure(result)})`
  return await createShmFolder(spec.volumeName, mountPoint, context.shmRoot).link(spec.sizeBytes, why)
}

/** Not root, or root of a container without CAP_SYS_ADMIN; busybox and util-linux word it differently. */
const isRefusal = (result: CommandResult): boolean =>
  result.kind === 'not-run' ||
  /permission denied|operation not permitted|must be superuser|are you root/i.test(result.stderr)

const ejectRamDisk = async (context: Context, spec: RamDiskSpec, force: boolean): Promise<EjectOutcome> => {
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

const unmountTmpfs = async (context: Context, mountPoint: string, force: boolean): Promise<EjectOutcome> => {
  const result = await context.run(['umount', mountPoint])
  if (result.kind === 'not-run' || result.exitCode !== 0) {
    const isBusy = result.kind === 'exited' && /busy/i.test(result.stderr)
    if (!isBusy) return { kind: 'failed', reason: `umount failed: ${describeFailure(result)}` }
    const refusal = force ? await detachLazily(context, mountPoint) : await explainBusy(mountPoint)
    if (refusal !== null) return refusal
  }
  if (findMountAt(await readMountTable(), mountPoint) !== null) {
    return {
      kind: 'failed',
      reason: `something is still mounted at ${mountPoint}: it was mounted more than once`,
    }
  }
  await removeEmptyFolder(mountPoint)
  return { kind: 'done' }
}

const explainBusy = async (mountPoint: string): Promise<EjectOutcome> => {
  const holders = await readHolders(mountPoint)
  const below = findMountsBelow(await readMountTable(), mountPoint)
  if (holders.length === 0 && below.length > 0) {
    const inner = below.map((entry) => entry.mountPoint).join(', ')
    return { kind: 'failed', reason: `${mountPoint} has other file systems mounted inside it: ${inner}` }
  }
  return { kind: 'busy', holders }
}

/**
 * Takes the name away at once; the memory comes back only when the last holder closes its files (umount(8), --lazy).
 * Linux has no other way: `umount -f` is for unreachable network file systems.
 */
const detachLazily = async (context: Context, mountPoint: string): Promise<EjectOutcome | null> => {
  const result = await context.run(['umount', '-l', mountPoint])
  if (result.kind === 'exited' && result.exitCode === 0) return null
  return { kind: 'failed', reason: `umount -l failed: ${describeFailure(result)}` }
}

// Mounts and unmounts the tmpfs that serves as RAM disk on Linux.
import { statfs } from 'node:fs/promises'
import { findMountAt, findMountsBelow, readMountTable } from './linux-mount-table.ts'
import { readHolders } from './linux-processes.ts'
import { createShmFolder } from './linux-shm-folder.ts'
import { describeMiB, ensureMountFolder, removeEmptyFolder } from './mount-point.ts'
import type { EjectOutcome, MountOutcome, RamDiskSpec } from './platform.ts'
import { type CommandResult, describeFailure, type RunCommand } from './run-command.ts'

export interface LinuxRamDiskContext {
  readonly run: RunCommand
  readonly shmRoot: string
  readonly mayMount: boolean
}

export const judgeMounted = async (spec: RamDiskSpec, mountPoint: string): Promise<MountOutcome> => {
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

export const mountTmpfs = async (
  context: LinuxRamDiskContext,
  spec: RamDiskSpec,
  mountPoint: string,
): Promise<MountOutcome> => {
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

export const unmountTmpfs = async (
  context: LinuxRamDiskContext,
  mountPoint: string,
  force: boolean,
): Promise<EjectOutcome> => {
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
 * Removes the name at once; the memory is freed only when the last holder closes its files (umount(8), --lazy).
 * Linux has no other way: `umount -f` is for unreachable network file systems.
 */
const detachLazily = async (
  context: LinuxRamDiskContext,
  mountPoint: string,
): Promise<EjectOutcome | null> => {
  const result = await context.run(['umount', '-l', mountPoint])
  if (result.kind === 'exited' && result.exitCode === 0) return null
  return { kind: 'failed', reason: `umount -l failed: ${describeFailure(result)}` }
}

// Each workspace's space on the RAM disk, owner, last build, and whether it is being built now.
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isErrno } from '../base/private-file.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { readUserName } from '../platform/user-name.ts'
import { type LockState, readLocks } from './file-locks.ts'
import { listWorkspaces, type WorkspaceFolder } from './forge-workspaces.ts'

export interface WorkspaceUse extends Omit<WorkspaceFolder, 'uid'> {
  readonly uid: number | null
  /** null: not all of it is readable, or du failed. */
  readonly bytes: number | null
  /** The owner's name, or the bare id if the system has no name for it; null when unknown. */
  readonly owner: string | null
  /** null: its locks can't be checked. */
  readonly building: boolean | null
}

export interface ForgeUse {
  /** Largest first, unknown sizes last. */
  readonly workspaces: readonly WorkspaceUse[]
  /** Owners of folders that we can't read, once each. */
  readonly closedOwners: readonly string[]
}

export interface ForgeUseOptions {
  readonly run: RunCommand
  /** As in RamDiskControl. */
  readonly ignoresOwners: boolean
}

export const readForgeUse = async (
  mountPoint: string,
  { run, ignoresOwners }: ForgeUseOptions,
): Promise<ForgeUse> => {
  const { workspaces, closed } = await listWorkspaces(mountPoint)
  const [sizes, locks, closedOwners] = await Promise.all([
    readSizes(
      workspaces.map(({ buildDir }) => buildDir),
      run,
    ),
    readLocks(workspaces.flatMap(({ lockPaths }) => lockPaths)),
    Promise.all([...new Set(closed.map(({ uid }) => uid))].map(readUserName)),
  ])
  let next = 0
  const uses: WorkspaceUse[] = []
  for (const folder of workspaces) {
    const states = locks.slice(next, next + folder.lockPaths.length)
    next += folder.lockPaths.length
    const uid = ignoresOwners ? await readWorkspaceOwner(folder.workspace) : folder.uid
    uses.push({
      ...folder,
      uid,
      bytes: sizes.get(folder.buildDir) ?? null,
      owner: uid === null ? null : await readUserName(uid),
      building: judgeBuilding(states),
    })
  }
  return { workspaces: uses.sort((a, b) => (b.bytes ?? -1) - (a.bytes ?? -1)), closedOwners }
}

/**
 * On a volume without owners the build files don't show the owner, but the workspace itself is on a disk with owners. If we can't
 * read it, take the nearest folder above that we can: a home that is closed to us belongs to its user. null: the workspace is
 * gone, or only root's folders lead there.
 */
const readWorkspaceOwner = async (workspace: string | null): Promise<number | null> => {
  for (let path = workspace; path !== null && path !== dirname(path); path = dirname(path)) {
    try {
      const { uid } = await lstat(path)
      return uid === 0 && path !== workspace ? null : uid
    } catch (error) {
      if (!isErrno(error, 'EACCES', 'EPERM')) return null
    }
  }
  return null
}

export const judgeBuilding = (states: readonly LockState[]): boolean | null => {
  if (states.includes('held')) return true
  return states.includes('unknown') ? null : false
}

/** du takes a second for a build tree of 100,000 files, so don't run it more often than needed. */
const sizeTimeoutMs = 60_000

/** Bytes on disk by folder. Leaves out folders that du could not read completely, but ignores files that a build removed meanwhile. */
const readSizes = async (
  folders: readonly string[],
  run: RunCommand,
): Promise<ReadonlyMap<string, number>> => {
  if (folders.length === 0) return new Map()
  const result = await run(['du', '-xsk', '--', ...folders], { timeoutMs: sizeTimeoutMs })
  if (result.kind === 'not-run') return new Map()
  return parseSizes(result.stdout, result.stderr)
}

/** Lines of `du -sk`: kilobytes, a tab, the path (du(1), POSIX). */
export const parseSizes = (stdout: string, stderr: string): ReadonlyMap<string, number> => {
  const denied = stderr.split('\n').filter((line) => /permission denied/i.test(line))
  const sizes = new Map<string, number>()
  for (const line of stdout.split('\n')) {
    const [, kilobytes = '', path = ''] = /^(\d{1,15})\t(.+)$/.exec(line) ?? []
    if (path !== '' && !denied.some((reason) => reason.includes(path)))
      sizes.set(path, Number(kilobytes) * 1024)
  }
  return sizes
}

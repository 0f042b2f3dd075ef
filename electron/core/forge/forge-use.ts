// What each workspace holds of the RAM disk, whose it is, when it was last built, and whether it is being built now.
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from '../platform/mount-point.ts'
import type { RunCommand } from '../platform/run-command.ts'
import { type LockState, readLocks } from './file-locks.ts'
import { listWorkspaces, type WorkspaceFolder } from './forge-workspaces.ts'

export interface WorkspaceUse extends Omit<WorkspaceFolder, 'uid'> {
  readonly uid: number | null
  /** null: not all of it may be read, or du did not say. */
  readonly bytes: number | null
  /** The user's name, or the bare number for one that the system does not know; null: whose it is is not known. */
  readonly owner: string | null
  /** null: its locks may not be asked. */
  readonly building: boolean | null
}

export interface ForgeUse {
  /** The largest first; those of unknown size last. */
  readonly workspaces: readonly WorkspaceUse[]
  /** Owners of folders that are closed to us, once each. */
  readonly closedOwners: readonly string[]
}

export type NameUser = (uid: number) => Promise<string>

/** `id` asks whatever knows the users: /etc/passwd does not on a Mac. */
export const createUserNames = (run: RunCommand): NameUser => {
  const known = new Map<number, Promise<string>>()
  const ask = async (uid: number): Promise<string> => {
    const result = await run(['id', '-un', '--', String(uid)], { timeoutMs: 2_000 })
    const name = result.kind === 'exited' && result.exitCode === 0 ? result.stdout.trim() : ''
    return name === '' ? String(uid) : name
  }
  return (uid) => {
    const name = known.get(uid) ?? ask(uid)
    known.set(uid, name)
    return name
  }
}

export interface ForgeUseOptions {
  readonly run: RunCommand
  readonly nameUser: NameUser
  /** As RamDiskControl has it. */
  readonly ignoresOwners: boolean
}

export const readForgeUse = async (
  mountPoint: string,
  { run, nameUser, ignoresOwners }: ForgeUseOptions,
): Promise<ForgeUse> => {
  const { workspaces, closed } = await listWorkspaces(mountPoint)
  const [sizes, locks, closedOwners] = await Promise.all([
    readSizes(
      workspaces.map(({ buildDir }) => buildDir),
      run,
    ),
    readLocks(workspaces.flatMap(({ lockPaths }) => lockPaths)),
    Promise.all([...new Set(closed.map(({ uid }) => uid))].map(nameUser)),
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
      owner: uid === null ? null : await nameUser(uid),
      building: judgeBuilding(states),
    })
  }
  return { workspaces: uses.sort((a, b) => (b.bytes ?? -1) - (a.bytes ?? -1)), closedOwners }
}

/**
 * On a volume without owners the build files say nothing, but the workspace itself stands on a disk that has owners. Where it may
 * not be looked at, the nearest folder above it that may tells: a home that is closed to us is its user's. null: the workspace
 * is gone, or only root's folders lead there.
 */
const readWorkspaceOwner = async (workspace: string | null): Promise<number | null> => {
  for (let path = workspace; path !== null && path !== dirname(path); path = dirname(path)) {
    try {
      const { uid } = await lstat(path)
      return uid === 0 && path !== workspace ? null : uid
    } catch (error) {
      if (!hasCode(error, ['EACCES', 'EPERM'])) return null
    }
  }
  return null
}

export const judgeBuilding = (states: readonly LockState[]): boolean | null => {
  if (states.includes('held')) return true
  return states.includes('unknown') ? null : false
}

/** A build tree of 100,000 files is a second of du; so it is not asked more often than needed. */
const sizeTimeoutMs = 60_000

/** Bytes on the disk by folder. What du could not read all of is left out; what a build removed meanwhile is not missed. */
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

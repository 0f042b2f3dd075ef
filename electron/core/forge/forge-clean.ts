// Removes build folders from the RAM disk: never during a build, and always completely.
import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../base/error-message.ts'
import { lookForPid } from '../supervise/life-look.ts'
import { withLocks } from './file-locks.ts'
import { buildRootOf, shelfNames } from './forge-layout.ts'
import type { WorkspaceUse } from './forge-use.ts'

export type CleanChoice =
  | { readonly kind: 'workspace'; readonly path: string }
  | { readonly kind: 'unused'; readonly days: number }
  | { readonly kind: 'all' }

const dayMs = 86_400_000

/** The workspaces that a choice names; a folder inside a workspace or its build folder names it too. */
export const chooseForCleaning = (
  workspaces: readonly WorkspaceUse[],
  choice: CleanChoice,
  now: number,
): readonly WorkspaceUse[] => {
  switch (choice.kind) {
    case 'all':
      return workspaces
    case 'unused':
      return workspaces.filter(
        ({ lastUsedAt }) => lastUsedAt !== null && now - lastUsedAt >= choice.days * dayMs,
      )
    case 'workspace': {
      const path = resolve(choice.path)
      const holding = workspaces.filter(
        ({ workspace, buildDir }) => isAtOrBelow(path, workspace) || isAtOrBelow(path, buildDir),
      )
      const longest = Math.max(...holding.map(({ workspace }) => workspace?.length ?? 0))
      return holding.filter(({ workspace }) => (workspace?.length ?? 0) === longest)
    }
  }
}

const isAtOrBelow = (path: string, folder: string | null): boolean =>
  folder !== null && (path === folder || path.startsWith(`${folder}/`))

/**
 * Renames the folder while we hold cargo's locks, so that a later build starts afresh without conflict. Returns why it was kept;
 * null: it was removed.
 */
export const cleanWorkspace = async (use: WorkspaceUse): Promise<string | null> => {
  const { buildDir, hashPath, lockPaths, owner, uid } = use
  const me = process.getuid?.() ?? 0
  // The owner is unknown if the volume has no ownership and the workspace is gone: anyone may clean it up.
  if (uid !== null && uid !== me && me !== 0)
    return `it belongs to ${owner}, who can remove it with nexus forge clean`
  const aside = join(dirname(hashPath), `.removing-${process.pid}-${Date.now()}-${counter()}`)
  try {
    const outcome = await withLocks(lockPaths, () => rename(buildDir, aside))
    if (outcome === 'held') return 'it is being built'
    if (outcome === 'unknown') return 'could not find out whether it is being built (perl asks for the locks)'
    await rm(aside, { recursive: true, force: true })
    await removeEmptyParents(dirname(buildDir), dirname(hashPath))
    return null
  } catch (error) {
    return messageOf(error)
  }
}

let count = 0
const counter = (): number => {
  count += 1
  return count
}

/** The workspace's path above its build folder, up to the shelf. */
const removeEmptyParents = async (path: string, shelf: string): Promise<void> => {
  if (path === shelf || !path.startsWith(`${shelf}/`)) return
  try {
    await rmdir(path)
  } catch {
    return
  }
  await removeEmptyParents(dirname(path), shelf)
}

/** Leftovers of a removal that was killed. */
export const removeLeftovers = async (mountPoint: string): Promise<void> => {
  for (const shelf of shelfNames) {
    const path = join(buildRootOf(mountPoint), shelf)
    for (const name of await readdir(path).catch(() => [])) {
      const pid = /^\.removing-(\d+)-/.exec(name)?.[1]
      if (pid !== undefined && lookForPid(Number(pid)) === 'gone')
        await rm(join(path, name), { recursive: true, force: true }).catch(() => {})
    }
  }
}

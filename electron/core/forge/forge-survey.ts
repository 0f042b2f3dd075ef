// Adds the RAM disk's largest projects and its memory use to its figures: surveyed when builds have changed it, and
// rarely.
import type { ForgeProject, RamDisk } from '../../contract/snapshot.ts'
import type { ForgeUse } from './forge-use.ts'

export interface ForgeSurveySources {
  readonly readDisk: () => Promise<RamDisk>
  readonly readUse: (mountPoint: string) => Promise<ForgeUse>
  /** null when unknown. */
  readonly readHeldBytes: () => Promise<number | null>
  readonly onError: (error: Error) => void
  readonly now?: () => number
}

/** Measuring a build tree reads every directory entry: at most this often, and at most 2 % of the time. */
const leastPauseMs = 30_000
const pausePerLook = 50
/** Space in use doesn't show whether a build is running, so survey at least this often. */
const longestPauseMs = 300_000
const mostProjects = 20

export const createForgeSurvey = (sources: ForgeSurveySources) => {
  const now = sources.now ?? Date.now
  let projects: readonly ForgeProject[] | null = null
  let heldBytes: number | null = null
  let usedAtLook: number | null = null
  let lookedAt = Number.NEGATIVE_INFINITY
  let pauseMs = leastPauseMs
  let looking = false
  /** A survey from before an eject says nothing about the disk mounted after it. */
  let mounts = 0

  const isDue = (usedBytes: number | null): boolean => {
    const age = now() - lookedAt
    if (looking || age < pauseMs) return false
    return projects === null || usedBytes !== usedAtLook || age >= Math.max(longestPauseMs, pauseMs)
  }

  const look = async (disk: RamDisk): Promise<void> => {
    const [began, mount] = [now(), mounts]
    looking = true
    try {
      const [{ workspaces }, held] = await Promise.all([
        sources.readUse(disk.mountPoint),
        sources.readHeldBytes().catch(() => null),
      ])
      if (mount === mounts) {
        projects = toProjects(workspaces)
        heldBytes = held
        usedAtLook = disk.usedBytes
      }
    } catch (error) {
      sources.onError(error instanceof Error ? error : new Error(String(error)))
    } finally {
      looking = false
      lookedAt = now()
      pauseMs = Math.max(leastPauseMs, (lookedAt - began) * pausePerLook)
    }
  }

  return {
    /** The disk now, with the last survey; without it after an eject. Never waits for a survey. */
    read: async (): Promise<RamDisk> => {
      const disk = await sources.readDisk()
      if (!disk.mounted) {
        mounts += 1
        projects = null
        lookedAt = Number.NEGATIVE_INFINITY
        return disk
      }
      if (isDue(disk.usedBytes)) void look(disk)
      return projects === null ? disk : { ...disk, heldBytes, projects: [...projects] }
    },
  }
}

const toProjects = (workspaces: ForgeUse['workspaces']): readonly ForgeProject[] =>
  workspaces
    .flatMap(({ workspace, buildDir, bytes, owner, lastCompiledAt, building }) =>
      bytes === null
        ? []
        : [{ path: workspace ?? buildDir, bytes, owner, lastBuildAt: lastCompiledAt, building }],
    )
    .slice(0, mostProjects)

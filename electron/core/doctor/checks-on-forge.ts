// Checks on the RAM disk: mounted, large enough, readable, not indexed by Spotlight.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RamDisk } from '../../contract/snapshot.ts'
import { quoteForShell } from '../../wording/shell-quote.ts'
import { messageOf } from '../base/error-message.ts'
import { formatBytes } from '../base/format-bytes.ts'
import {
  canonicalMountPoint,
  explainObstacle,
  type MountPointState,
  readMountPointState,
} from '../platform/mount-point.ts'
import type { RamDiskSpec } from '../platform/platform.ts'
import type { CommandResult } from '../platform/run-command.ts'
import { explainPrivacyRefusal } from '../platform/volume-access.ts'
import { readIntent } from '../stack/intent.ts'
import { type CheckSource, fail, ok, unknown, type Verdict, warn } from './check.ts'

export interface MountFacts {
  readonly disk: RamDisk
  readonly spec: RamDiskSpec
  /** What is at the mount point while nothing is mounted there. */
  readonly place: MountPointState
  /** The user asked for it and has not ejected it since. */
  readonly isWanted: boolean
  readonly up: string
}

export const judgeMount = ({ disk, spec, place, isWanted, up }: MountFacts): Verdict => {
  const { mountPoint, sizeBytes } = spec
  const again = `nexus down --eject && ${up}`
  const mount = `${up} --only ramDisk`
  if (!disk.mounted) {
    // Our own link to a folder that a reboot removed from /dev/shm: mounting recreates it.
    const ownLink = place.kind === 'symlink' && place.target.startsWith('/dev/shm/opta-nexus-')
    const obstacle = ownLink ? null : explainObstacle(mountPoint, place)
    if (obstacle !== null)
      return fail(obstacle, `mv ${quoteForShell(mountPoint)} ${quoteForShell(`${mountPoint}.moved`)}`)
    return isWanted
      ? warn(`${mountPoint} should be mounted but is not`, mount)
      : ok(`not mounted; nexus up mounts it at ${mountPoint}`)
  }
  const said = `${disk.kind ?? 'volume'} at ${mountPoint}`
  if (disk.totalBytes === null) return unknown(`${said}, of unknown size`)
  if (disk.kind === 'shm-folder') {
    return disk.totalBytes < sizeBytes
      ? warn(
          `a folder in /dev/shm, which has ${formatBytes(disk.totalBytes)}, not the configured ${formatBytes(sizeBytes)}`,
          `sudo mount -o remount,size=${sizeBytes} /dev/shm`,
        )
      : ok(`a folder in /dev/shm without a size limit: ${mountPoint}`)
  }
  // The file system itself takes a few per cent of the disk.
  const off = Math.abs(disk.totalBytes - sizeBytes) / sizeBytes
  return off > 0.1
    ? warn(
        `${said} has ${formatBytes(disk.totalBytes)}, the profile says ${formatBytes(sizeBytes)}; recreating it deletes its files`,
        again,
      )
    : ok(`mounted, ${formatBytes(disk.totalBytes)}, ${said}`)
}

/** The same threshold as the notice: linking the next program may need the rest. */
const nearlyFull = 0.9

export const judgeRoom = (disk: RamDisk): Verdict | null => {
  const { mounted, totalBytes, usedBytes } = disk
  if (!mounted) return null
  if (totalBytes === null || usedBytes === null) return unknown('could not read how full it is')
  const share = totalBytes === 0 ? 1 : usedBytes / totalBytes
  const said = `${formatBytes(usedBytes)} of ${formatBytes(totalBytes)} used`
  const makeRoom = 'nexus forge clean --unused 3'
  if (share >= 0.97) return fail(`${said}: full`, makeRoom)
  return share >= nearlyFull ? warn(`${said}; nexus forge status shows by what`, makeRoom) : ok(said)
}

/**
 * `mdutil -s`: "Indexing enabled.", "Indexing disabled." or "Indexing and searching disabled." (as public scripts parse it; not
 * recorded).
 */
export const judgeSpotlight = (result: CommandResult, hasMarker: boolean, mountPoint: string): Verdict => {
  const text = result.kind === 'exited' ? `${result.stdout}\n${result.stderr}` : ''
  if (/indexing(?: and searching)? disabled/i.test(text)) return ok('indexing is off')
  const off = `sudo mdutil -i off ${quoteForShell(mountPoint)}`
  if (/indexing enabled/i.test(text)) return warn('Spotlight indexes the RAM disk', off)
  return hasMarker
    ? ok('.metadata_never_index is on the volume; the output of mdutil is unclear')
    : unknown('could not find out whether Spotlight indexes the RAM disk', off)
}

/** macOS may deny the volume to programs that launchd or SSH started. */
export const readAccess = async (mountPoint: string): Promise<Verdict> => {
  try {
    await readdir(mountPoint)
    return ok(`this program can read ${mountPoint}`)
  } catch (error) {
    const refusal = explainPrivacyRefusal(mountPoint, error)
    return refusal === null
      ? unknown(`${mountPoint} cannot be read: ${messageOf(error)}`)
      : fail(refusal, null)
  }
}

export const checksOnForge: readonly CheckSource[] = [
  {
    id: 'forge.mount',
    title: 'RAM disk',
    why: 'without the mount, builds silently go to the disk',
    read: async ({ ramDisk, spec, folder, upCommand }) => {
      const disk = await ramDisk()
      const place = await readMountPointState(await canonicalMountPoint(spec.mountPoint))
      return judgeMount({
        disk,
        spec,
        place,
        isWanted: readIntent(folder.intentPath)?.up.includes('ramDisk') ?? false,
        up: upCommand,
      })
    },
  },
  {
    id: 'forge.room',
    title: 'Room on it',
    why: 'builds fail when the RAM disk fills up',
    read: async ({ ramDisk }) => judgeRoom(await ramDisk()),
  },
  {
    id: 'forge.access',
    title: 'Access to it',
    why: 'macOS may deny a volume to programs started by launchd or SSH, whatever its permissions',
    read: async ({ platform, ramDisk, spec }) =>
      platform.id === 'darwin' && (await ramDisk()).mounted ? readAccess(spec.mountPoint) : null,
  },
  {
    id: 'forge.spotlight',
    title: 'Spotlight',
    why: 'it reads every file that a build writes',
    read: async ({ platform, ramDisk, spec: { mountPoint }, run }) =>
      platform.id === 'darwin' && (await ramDisk()).mounted
        ? judgeSpotlight(
            await run(['mdutil', '-s', mountPoint], { timeoutMs: 2_000 }),
            existsSync(join(mountPoint, '.metadata_never_index')),
            mountPoint,
          )
        : null,
  },
]
